/** The parts of ECharts that one line chart needs, and its options. */
import { LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent } from 'echarts/components'
import { init, use, type EChartsType } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Step } from '../types'

use([LineChart, GridComponent, AriaComponent, SVGRenderer])

export const open = (box: HTMLElement): EChartsType => init(box, null, { renderer: 'svg' })

interface Look {
  rem: number
  today: string
  last: string
  description: string
}

const ACCENT = '#5cc0e8'
const PALE = '#93a9bf'
const GROUND = '#121d2a'
const FONT = "'HarmonyOS Sans SC','MiSans','PingFang SC','Microsoft YaHei','Source Han Sans SC','Noto Sans CJK SC',sans-serif"

/** The last point of a line carries its word above it: towards the right where there is room, else towards the left. */
function named(values: (number | null)[], text: string, colour: string, rem: number, above = false) {
  const last = values.reduce<number>((found, n, index) => (n === null ? found : index), 0)
  const room = last <= values.length * 0.7
  // Above the line, so that it is not struck through where the line lies low.
  const offset = above ? [-rem * 1.8, 0] : [room ? rem * 1.6 : -rem * 1.6, 0]
  return values.map((value, index) =>
    index === last && value !== null
      ? { value, symbolSize: above ? 0.01 : rem * 0.4, label: { show: true, formatter: text, color: colour, fontSize: rem * 0.9, position: 'top', offset, textBorderColor: GROUND, textBorderWidth: rem * 0.2 } }
      : { value, symbolSize: 0.01 },
  )
}

export function options(steps: Step[], { rem, today, last, description }: Look) {
  const text = { color: PALE, fontSize: rem * 0.85, fontFamily: FONT }
  const current = steps.map((step) => step.n)
  const newest = current.filter((n) => n !== null).pop() ?? 0
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    aria: { enabled: true, label: { description } },
    grid: { left: rem * 2.2, right: rem * 1.2, top: rem * 1.6, bottom: rem * 1.6 },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: steps.map((_, index) => `${index}`),
      axisLabel: { ...text, interval: (index: number) => index % 4 === 0 },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: '#31465d' } },
    },
    yAxis: { type: 'value', minInterval: 1, splitNumber: 3, axisLabel: text, splitLine: { lineStyle: { color: '#1f3145' } } },
    series: [
      {
        name: last,
        type: 'line',
        data: named(steps.map((step) => step.before), last, PALE, rem, true),
        lineStyle: { color: PALE, type: 'dashed', width: rem * 0.09 },
        itemStyle: { color: PALE },
      },
      {
        name: today,
        type: 'line',
        data: named(current, `${today} ${newest}`, ACCENT, rem),
        lineStyle: { color: ACCENT, width: rem * 0.15 },
        itemStyle: { color: ACCENT },
        z: 3,
      },
    ],
  }
}
