/** What each verb asks for. One line a verb; the server decides which verbs a viewer has, this only draws their forms. */
import type { CaseOut, Named } from '@/client/types'

export type FieldType =
  | 'text'
  | 'line'
  | 'org'
  | 'orgs'
  | 'matter'
  | 'area'
  | 'ground'
  | 'date'
  | 'choice'
  | 'yesno'
  | 'files'
  | 'case'
  | 'parts'
  | 'extension'
  | 'bar'

export interface Field {
  name: string
  type: FieldType
  must?: boolean
  max?: number
  choices?: readonly string[]
  /** Shown only while this is true. */
  when?: (values: Values) => boolean
}

export type Values = Record<string, unknown>
export type Tone = 'first' | 'plain' | 'danger'

export interface VerbForm {
  fields: readonly Field[]
  tone: Tone
  /** What the form starts with, from the case and its suggestion. */
  fill?: (of: CaseOut) => Values
}

const LONG = 5000
const text = (must = false, max = 2000): Field => ({ name: 'text', type: 'text', must, max })
const files: Field = { name: 'files', type: 'files' }
const ground: Field = { name: 'ground', type: 'ground', must: true }
const lead: Field = { name: 'lead_org', type: 'org', must: true }
const assists: Field = { name: 'assist_orgs', type: 'orgs' }
const urgency: Field = { name: 'urgency', type: 'choice', choices: ['normal', 'urgent', 'danger'] }
const reached = (values: Values) => values.result === 'reached'

export const VERBS: Record<string, VerbForm> = {
  dispatch: { tone: 'first', fields: [lead, assists, urgency, text()], fill: suggested },
  sign: { tone: 'first', fields: [text()] },
  reply: { tone: 'first', fields: [text(true, LONG), files], fill: drafted },
  draft: { tone: 'first', fields: [text(true, LONG), files] },
  call_back: {
    tone: 'first',
    fields: [
      { name: 'result', type: 'choice', must: true, choices: ['reached', 'unreachable', 'refused'] },
      { name: 'solved', type: 'yesno', must: true, when: reached },
      { name: 'satisfied', type: 'choice', must: true, choices: ['5', '4', '3', '2', '1'], when: reached },
      text(),
    ],
    fill: () => ({ result: 'reached' }),
  },
  answer: { tone: 'first', fields: [text(true, LONG), files] },
  confirm: { tone: 'first', fields: [{ name: 'receipt', type: 'line', must: true, max: 200 }] },
  decide_extension: {
    tone: 'first',
    fields: [{ name: 'extension', type: 'extension', must: true }, { name: 'approve', type: 'yesno', must: true }, text()],
    fill: (of) => ({ extension: of.extensions.find((one) => one.approved === null)?.id }),
  },
  rejoin: { tone: 'first', fields: [text(true, LONG), files] },
  contact: { tone: 'plain', fields: [{ name: 'reached', type: 'yesno', must: true }, text(true)], fill: () => ({ reached: true }) },
  assist: { tone: 'plain', fields: [text(true), files] },
  pass_down: { tone: 'plain', fields: [lead, text()] },
  designate: { tone: 'plain', fields: [lead, assists, text(true)], fill: suggested },
  extend: { tone: 'plain', fields: [ground, text(true)] },
  suspend: { tone: 'plain', fields: [ground, text(true), { name: 'review_on', type: 'date', must: true }] },
  resume: { tone: 'first', fields: [text()] },
  revise: { tone: 'plain', fields: [text(true)] },
  transfer: {
    tone: 'plain',
    fields: [{ name: 'to', type: 'choice', must: true, choices: ['110', '119', '120', '122', 'province', 'other'] }, text(true)],
  },
  merge: { tone: 'plain', fields: [{ name: 'into', type: 'case', must: true }, text()] },
  unmerge: { tone: 'plain', fields: [text()] },
  split: { tone: 'plain', fields: [{ name: 'parts', type: 'parts', must: true }], fill: (of) => ({ parts: [{ text: of.text, matter: of.matter }, { text: '', matter: null }] }) },
  reclassify: { tone: 'plain', fields: [{ name: 'matter', type: 'matter', must: true }, text()] },
  relocate: {
    tone: 'plain',
    fields: [{ name: 'area', type: 'area' }, { name: 'address', type: 'line', max: 200 }, text()],
    fill: (of) => ({ address: of.address ?? '' }),
  },
  supplement: { tone: 'plain', fields: [text(true), files] },
  urge: { tone: 'plain', fields: [text()] },
  note: { tone: 'plain', fields: [text(true), files] },
  reopen: { tone: 'plain', fields: [text(true)] },
  recuse: { tone: 'danger', fields: [text(true)] },
  bar: {
    tone: 'danger',
    fields: [{ name: 'org', type: 'org' }, { name: 'account', type: 'line', max: 60 }, { name: 'accused', type: 'yesno', when: (values) => !!values.org }, text(true)],
  },
  unbar: {
    tone: 'plain',
    fields: [{ name: 'bar', type: 'bar', must: true }, text(true)],
    fill: (of) => ({ bar: of.bars.find((one) => !one.ended_at)?.id }),
  },
  send_back: { tone: 'danger', fields: [ground, text(true)] },
  bounce: { tone: 'danger', fields: [ground, text(true)] },
  decline: { tone: 'danger', fields: [ground, text(true)] },
  withdraw: { tone: 'danger', fields: [text()] },
}

/** The suggestion kept with the case is the dispatcher's form, already filled; without offices that must step back. */
function suggested(of: CaseOut): Values {
  const owner = of.triage.owner
  const barred = new Set(of.bars.filter((one) => !one.ended_at).map((one) => one.org?.code))
  const lead = owner && !barred.has(owner.lead.code) ? owner.lead : null
  return { lead_org: lead, assist_orgs: owner?.assists.filter((one) => !barred.has(one.code)) ?? [], urgency: of.urgency }
}

/** What was sent for review is what the reviewer approves, or betters. */
function drafted(of: CaseOut): Values {
  return { text: [...of.replies].reverse().find((reply) => !reply.sent_at)?.text ?? '' }
}

/** The form of a verb. One that is not in the table yet still works: a remark, and what the server says it needs. */
export function formOf(verb: string, needs: readonly string[] = []): VerbForm {
  const known = VERBS[verb]
  const fields = known ? [...known.fields] : [text()]
  for (const name of needs) {
    const at = fields.findIndex((field) => field.name === name)
    if (at >= 0) fields[at] = { ...fields[at]!, must: true }
    else if (!known) fields.push({ name, type: 'line', must: true, max: 200 })
  }
  return { tone: known?.tone ?? 'plain', fill: known?.fill, fields }
}

/** The verbs in the order of their buttons: what moves the case on first, what undoes it last. */
export function inOrder(verbs: readonly string[]): string[] {
  const order = Object.keys(VERBS)
  const place = (verb: string) => (order.includes(verb) ? order.indexOf(verb) : order.length)
  return [...verbs].sort((a, b) => place(a) - place(b))
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (typeof value === 'string' && !value.trim()) || (Array.isArray(value) && !value.length)

/** Names of the fields that must be filled and are not. */
export function missing(form: VerbForm, values: Values): Field[] {
  return form.fields.filter((field) => {
    if (!field.must || (field.when && !field.when(values))) return false
    if (field.type === 'parts') return (values[field.name] as { text: string }[]).filter((part) => part.text.trim()).length < 2
    return isEmpty(values[field.name])
  })
}

type Part = { text: string; matter: Named | null }

/** What goes to the server: codes instead of things, nothing that is empty or hidden. */
export function wireOf(form: VerbForm, values: Values): Values {
  const body: Values = {}
  for (const field of form.fields) {
    const value = values[field.name]
    if (isEmpty(value) || (field.when && !field.when(values))) continue
    body[field.name] = onWire(field, value)
  }
  return body
}

function onWire(field: Field, value: unknown): unknown {
  switch (field.type) {
    case 'org':
    case 'matter':
      return (value as Named).code
    case 'orgs':
      return (value as Named[]).map((org) => org.code)
    case 'area':
      return (value as string[])[(value as string[]).length - 1]
    case 'files':
      return (value as { id: string }[]).map((file) => file.id)
    case 'parts':
      return (value as Part[]).filter((part) => part.text.trim()).map((part) => ({ text: part.text.trim(), matter: part.matter?.code }))
    case 'choice':
      return field.name === 'satisfied' ? Number(value) : value
    default:
      return typeof value === 'string' ? value.trim() : value
  }
}
