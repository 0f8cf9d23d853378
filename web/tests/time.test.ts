import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setLang, speak } from '@/kit/i18n'
import { ago, brief, day, left, span, spoken, stamp } from '@/kit/time'
import en from '@/kit/en.json'
import zh from '@/kit/zh-CN.json'

const at = (text: string) => new Date(text).getTime()

beforeAll(() => speak([zh], async () => [en]))
beforeEach(() => setLang('zh-CN'))

describe('times of the city', () => {
  it('are told in Asia/Shanghai, whatever the offset they came with', () => {
    expect(stamp('2026-02-24T01:00:00Z')).toBe('2026-02-24 09:00')
    expect(stamp('2026-02-24T09:00:00+08:00')).toBe('2026-02-24 09:00')
    expect(day('2025-12-31T16:30:00Z')).toBe('2026-01-01')
    expect(spoken('2026-03-12T09:00:00Z')).toContain('星期四')
    expect(spoken('2026-03-12T09:00:00Z')).toContain('17:00')
  })

  it('say midnight as 00:00 and not as 24:00', () => {
    expect(stamp('2026-02-23T16:00:00Z')).toBe('2026-02-24 00:00')
  })

  it('leave out this year, and only this year', () => {
    const today = at('2026-05-01T00:00:00Z')
    expect(brief('2026-02-24T01:00:00Z', today)).toBe('02-24 09:00')
    expect(brief('2025-02-24T01:00:00Z', today)).toBe('2025-02-24 09:00')
  })
})

describe('lengths of time', () => {
  it.each([
    [10_000, '1 分钟'],
    [59 * 60_000, '59 分钟'],
    [60 * 60_000, '1 小时'],
    [23.9 * 3_600_000, '23 小时'],
    [24 * 3_600_000, '1 天'],
    [51 * 3_600_000, '2 天 3 小时'],
    [20 * 86_400_000 + 3_600_000, '20 天'],
  ])('%d milliseconds are %s', (length, words) => {
    expect(span(length)).toBe(words)
  })

  it('say what is left and what is over', () => {
    const now = at('2026-02-24T09:00:00+08:00')
    expect(left('2026-02-24T12:00:00+08:00', now)).toBe('剩 3 小时')
    expect(left('2026-02-22T08:00:00+08:00', now)).toBe('已过 2 天 1 小时')
    expect(ago('2026-02-24T08:59:40+08:00', now)).toBe('刚刚')
  })

  it('follow the language', async () => {
    await setLang('en')
    expect(span(24 * 3_600_000)).toBe('1 day')
    expect(span(49 * 3_600_000)).toBe('2 days 1 h')
  })
})
