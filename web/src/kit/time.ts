/** Times as people of the city read them: always Asia/Shanghai, whatever the device thinks. */
import { computed, ref } from 'vue'
import { lang, translate, type Lang } from './i18n'

const ZONE = 'Asia/Shanghai'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The present moment for pages that count down; moves every half minute. */
export const now = ref(Date.now())
setInterval(() => (now.value = Date.now()), MINUTE / 2)

const formats = new Map<string, Intl.DateTimeFormat>()

function format(of: Lang, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = of + JSON.stringify(options)
  let found = formats.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat(of === 'en' ? 'en-GB' : 'zh-CN', { timeZone: ZONE, hourCycle: 'h23', ...options })
    formats.set(key, found)
  }
  return found
}

const NUMBERS: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
}

function parts(iso: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const part of format('en', NUMBERS).formatToParts(new Date(iso))) found[part.type] = part.value
  return found
}

/** 2026-03-12 17:00 */
export function stamp(iso: string): string {
  const { year, month, day, hour, minute } = parts(iso)
  return `${year}-${month}-${day} ${hour}:${minute}`
}

/** 2026-03-12 */
export function day(iso: string): string {
  return stamp(iso).slice(0, 10)
}

/** 03-12 17:00, for tables; with the year when it is not this year's. */
export function brief(iso: string, today = now.value): string {
  const text = stamp(iso)
  return text.slice(0, 4) === stamp(new Date(today).toISOString()).slice(0, 4) ? text.slice(5) : text
}

/** 2026年3月12日星期四 17:00 */
export function spoken(iso: string): string {
  return format(lang.value, {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
  }).format(new Date(iso))
}

/** A length of time in its two largest units: 2 天 3 小时. */
export function span(milliseconds: number): string {
  const length = Math.abs(milliseconds)
  const minutes = Math.max(1, Math.floor(length / MINUTE))
  if (length < HOUR) return translate('time.minutes', { n: minutes })
  const hours = Math.floor(length / HOUR)
  if (length < DAY) return translate('time.hours', { n: hours })
  const days = Math.floor(length / DAY)
  const rest = Math.floor((length - days * DAY) / HOUR)
  const whole = translate('time.days', { n: days })
  return rest && days < 10 ? `${whole} ${translate('time.hours', { n: rest })}` : whole
}

/** 剩 2 天 3 小时, or 超期 5 小时. */
export function left(due: string, at = now.value): string {
  const rest = new Date(due).getTime() - at
  return translate(rest < 0 ? 'time.over' : 'time.left', { span: span(rest) })
}

/** 3 分钟前 */
export function ago(iso: string, at = now.value): string {
  const passed = at - new Date(iso).getTime()
  return passed < MINUTE ? translate('time.just') : translate('time.ago', { span: span(passed) })
}

export const today = computed(() => day(new Date(now.value).toISOString()))
