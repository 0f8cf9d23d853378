/** Numbers and times as a wall shows them: Beijing time, thousands apart, changes with their sign. */
import { lang } from '@/kit/i18n'
import { t } from './words'

const ZONE = 'Asia/Shanghai'
const formats = new Map<string, Intl.DateTimeFormat>()

function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${lang.value}.${name}`
  let found = formats.get(key)
  if (!found) formats.set(key, (found = new Intl.DateTimeFormat(lang.value === 'en' ? 'en-GB' : 'zh-CN', { timeZone: ZONE, hourCycle: 'h23', ...options })))
  return found
}

type Moment = string | number
const at = (moment: Moment) => new Date(moment)

export const clock = (moment: Moment): string => format('clock', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at(moment))
export const minute = (moment: Moment): string => format('minute', { hour: '2-digit', minute: '2-digit' }).format(at(moment))
export const date = (moment: Moment): string =>
  format('date', { year: 'numeric', month: 'long', day: 'numeric', weekday: 'long' }).format(at(moment))
/** 11-23 in Chinese, 23/11 in English: short, for news that is not of today. */
export const dayOf = (moment: Moment): string => format('day', { month: '2-digit', day: '2-digit' }).format(at(moment)).replace('/', lang.value === 'en' ? '/' : '-')
export const hour = (moment: Moment): number => Number(minute(moment).slice(0, 2))

export const count = (n: number): string => n.toLocaleString(lang.value)

/** +12, −3, or a word for no change. */
export function change(now: number, before: number, digits = 0): string {
  const difference = Number((now - before).toFixed(digits))
  if (difference === 0) return t('figure.same')
  return (difference > 0 ? '+' : '−') + Math.abs(difference).toLocaleString(lang.value, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export const percent = (share: number): string => (share * 100).toFixed(1)
