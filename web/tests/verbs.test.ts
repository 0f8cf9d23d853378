import { describe, expect, it } from 'vitest'
import openapi from '@/client/verbs.json'
import words from '@/client/words.json'
import type { CaseOut } from '@/client/types'
import { formOf, inOrder, missing, VERBS, wireOf } from '@/desk/case/verbs'

/** Follow from answers to a call-back or happen at intake; nobody presses them. */
const NO_BUTTON = ['accept', 'recorded', 'joined', 'close', 'rework']

const a_case = (more: Partial<CaseOut>) => ({ extensions: [], replies: [], bars: [], triage: {}, urgency: 'normal', ...more }) as unknown as CaseOut

describe('the table of verbs', () => {
  it('has a form for every verb the server has a route for', () => {
    expect(Object.keys(openapi).filter((verb) => !(verb in VERBS))).toEqual([])
  })

  it('has no verb the server does not know', () => {
    expect(Object.keys(VERBS).filter((verb) => !(verb in openapi))).toEqual([])
  })

  it('brings only fields the server takes', () => {
    const strange = Object.entries(VERBS).flatMap(([verb, form]) =>
      form.fields.filter((field) => !(openapi as Record<string, { fields: string[] }>)[verb]!.fields.includes(field.name)).map((field) => `${verb}.${field.name}`),
    )
    expect(strange).toEqual([])
  })

  it('demands every field the server demands', () => {
    const forgotten = Object.entries(openapi).flatMap(([verb, { must }]) =>
      must.filter((name) => name !== 'version' && !VERBS[verb]!.fields.some((field) => field.name === name && field.must)).map((name) => `${verb}.${name}`),
    )
    expect(forgotten).toEqual([])
  })

  it('covers every verb that has a word', () => {
    const named = Object.keys(words).filter((key) => key.startsWith('verb.')).map((key) => key.slice(5))
    expect(named.filter((verb) => !NO_BUTTON.includes(verb) && !(verb in VERBS))).toEqual([])
  })
})

describe('a form', () => {
  it('of an unknown verb asks for a remark and for what the server needs', () => {
    expect(formOf('brand_new', ['stamp']).fields.map((field) => [field.name, field.must ?? false])).toEqual([
      ['text', false],
      ['stamp', true],
    ])
  })

  it('takes over what the server needs beyond the table', () => {
    expect(formOf('sign', ['text']).fields[0]!.must).toBe(true)
    expect(VERBS.sign!.fields[0]!.must).toBe(false)
  })

  it('of dispatch stands filled from the suggestion', () => {
    const lead = { code: 'a', name: 'A' }
    const owner = { lead, assists: [{ code: 'b', name: 'B' }], convener: null, because: [], unambiguous: true }
    const values = VERBS.dispatch!.fill!(a_case({ triage: { owner }, urgency: 'urgent' }))
    expect(wireOf(formOf('dispatch'), values)).toEqual({ lead_org: 'a', assist_orgs: ['b'], urgency: 'urgent' })
  })

  it('of dispatch leaves out whoever must step back', () => {
    const office = (code: string) => ({ code, name: code })
    const owner = { lead: office('a'), assists: [office('b'), office('c')] } as unknown as CaseOut['triage']['owner']
    const bar = (code: string, ended_at: string | null = null) => ({ id: code, why: 'accused', org: office(code), ended_at }) as unknown as CaseOut['bars'][number]

    const values = VERBS.dispatch!.fill!(a_case({ triage: { owner }, bars: [bar('a'), bar('b', '2026-03-02T00:00:00Z'), bar('c')] }))

    expect(values.lead_org).toBeNull()
    expect(values.assist_orgs).toEqual([office('b')])
  })

  it('of reply stands filled from the draft under review', () => {
    const reply = { id: '1', text: 'done', org: null, at: '', sent_at: null, by_name: null }
    expect(VERBS.reply!.fill!(a_case({ replies: [reply] }))).toEqual({ text: 'done' })
  })

  it('asks the two questions only of somebody who was reached', () => {
    const form = formOf('call_back')
    expect(missing(form, { result: 'unreachable' })).toEqual([])
    expect(missing(form, { result: 'reached' }).map((field) => field.name)).toEqual(['solved', 'satisfied'])
    expect(wireOf(form, { result: 'reached', solved: false, satisfied: '2', text: ' ' })).toEqual({ result: 'reached', solved: false, satisfied: 2 })
    expect(wireOf(form, { result: 'refused', solved: true, satisfied: '5' })).toEqual({ result: 'refused' })
  })

  it('of split needs two parts with words', () => {
    const form = formOf('split')
    const part = (text: string) => ({ text, matter: null })
    expect(missing(form, { parts: [part('one'), part('  ')] })).toHaveLength(1)
    expect(missing(form, { parts: [part('one'), part('two')] })).toEqual([])
    expect(wireOf(form, { parts: [part('one '), part(''), part('two')] }).parts).toEqual([{ text: 'one' }, { text: 'two' }])
  })

  it('sends the last area of the way down', () => {
    expect(wireOf(formOf('relocate'), { area: ['210302', '210302005'], address: '' })).toEqual({ area: '210302005' })
  })
})

describe('the buttons', () => {
  it('stand in the order of the table, unknown ones last', () => {
    expect(inOrder(['note', 'unheard_of', 'decline', 'dispatch'])).toEqual(['dispatch', 'note', 'decline', 'unheard_of'])
  })
})
