import { beforeAll, describe, expect, it } from 'vitest'
import { address } from '@/client/http'
import { asRefused, broken, refusal } from '@/client/problem'
import { setLang, speak } from '@/kit/i18n'
import en from '@/kit/en.json'
import zh from '@/kit/zh-CN.json'

beforeAll(() => speak([zh], async () => [en]))

const both = (text: string) => ({ zh: text, en: `${text} in English` })

describe('a refusal', () => {
  it('speaks the language of the page', async () => {
    const refused = refusal(409, { code: 'case.stale', status: 409, message: both('已更新'), errors: [], facts: {}, now: { version: 4 } })
    expect(refused.sentence).toBe('已更新')
    await setLang('en')
    expect(refused.sentence).toBe('已更新 in English')
    await setLang('zh-CN')
    expect(refused.problem.now).toEqual({ version: 4 })
  })

  it('gives the first sentence of each field', () => {
    const errors = [
      { field: 'text', code: 'a', message: both('甲') },
      { field: 'text', code: 'b', message: both('乙') },
      { field: 'phone', code: 'c', message: both('丙') },
    ]
    expect(refusal(422, { code: 'input.invalid', message: both('有误'), errors }).fields).toEqual({ text: '甲', phone: '丙' })
  })

  it('of a gateway that speaks no JSON still has a sentence', () => {
    expect(refusal(502, null).sentence).toContain('502')
    expect(refusal(502, null).fields).toEqual({})
  })

  it('for want of a connection says that nothing is lost', () => {
    expect(broken(new TypeError('failed to fetch')).sentence).toContain('仍在本机')
    expect(broken(new DOMException('', 'AbortError')).code).toBe('problem.slow')
    expect(asRefused('strange').status).toBe(0)
  })
})

describe('an address', () => {
  it('carries only what is set', () => {
    expect(address('/api/cases', { q: '', box: 'overdue', after: null, limit: 50, org: undefined })).toBe('/api/cases?box=overdue&limit=50')
    expect(address('/api/cases')).toBe('/api/cases')
    expect(address('/x', { a: ['1', '2'] })).toBe('/x?a=1&a=2')
  })
})
