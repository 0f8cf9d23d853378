/** The shapes that travel, by short names: generated ones, and by hand where the server says no more than "an object". */
import type { Both } from '@/kit/i18n'
import type { components } from './schema'

export type { Both }
type Schemas = components['schemas']

export interface Named {
  code: string
  name: string
  name_en?: string | null
}

export interface AreaRef extends Named {
  level: string
}

export interface Point {
  lon: number
  lat: number
}

export interface Page<T> {
  rows: T[]
  next: string | null
}

/** A reason: a sentence in both languages. */
export type Because = Partial<Both> | string

export type Count = Schemas['Count']
export type Counts = Schemas['Counts']
export type StoredFile = Schemas['FileOut']
export type Settings = Schemas['PublicSettings']
export type Located = Schemas['LocatedOut']
export type Reported = Schemas['ReportOut']
export type Receipt = Schemas['Receipt']
export type Ground = Schemas['GroundOut']
export type AuditRow = Schemas['AuditOut']

export interface Runner extends Named {
  score: number
}

export interface Suggestion {
  matter: Named | null
  confidence: number | null
  runners: Runner[]
  kind: string | null
}

export interface PublicStep {
  at: string
  verb: string
  label: Both
  text: string | null
  org_name: string | null
  files: StoredFile[]
}

export type PublicCase = Omit<Schemas['PublicCase'], 'timeline' | 'reply' | 'call_back'> & {
  timeline: PublicStep[]
  reply: { text: string; at: string; org_name: string | null } | null
  call_back: { at: string; solved: boolean | null; satisfied: number | null; text: string | null } | null
}

// --- staff ------------------------------------------------------------------------------------------------------------

export type Me = Schemas['Me']
export type Grant = Schemas['AccountGrant']
export type Account = Schemas['AccountOut']
export type Task = Schemas['TaskOut']
export type Summary = Schemas['SummaryOut']
export type Figures = Schemas['FiguresOut']
export type Board = Schemas['BoardOut']
export type AreaFigure = Schemas['AreaFigureOut']
export type MatterFigure = Omit<Schemas['MatterFigureOut'], 'name'> & { name: Both }
export type Step = Schemas['StepOut']

export type Light = 'green' | 'amber' | 'red'
export type CaseRow = Omit<Schemas['CaseRow'], 'light'> & { light: Light | null }
export type Clock = Omit<Schemas['ClockOut'], 'light'> & { light: Light | null }
export type CaseFile = StoredFile
export type TimelineEntry = Omit<Schemas['TimelineOut'], 'label'> & { label: Both }

export interface Dispatch {
  org: Named | null
  part: 'lead' | 'assist'
  round: number
  at: string
  signed_at: string | null
  ended_at: string | null
  outcome: string | null
  ground: string | null
  designated: boolean
}

export interface Reply {
  id: string
  text: string
  org: Named | null
  at: string
  sent_at: string | null
  by_name: string | null
}

export interface CallBack {
  round: number
  at: string
  channel: string
  result: string
  solved: boolean | null
  satisfied: number | null
  text: string | null
  by_name: string | null
}

export interface Extension {
  id: string
  ground: string
  text: string
  asked_at: string
  until: string | null
  basis: string | null
  approved: boolean | null
  decided_at: string | null
}

export interface Transfer {
  to: string
  at: string
  confirmed_at: string | null
  bounced_at: string | null
  receipt: string | null
  ground: string | null
}

/** A suggestion kept with a case names only number and likeness; a fresh one tells the rest. */
export interface Duplicate {
  no: string
  score: number
  text?: string
  state?: string
  because?: Because[]
  metres?: number | null
  accepted_at?: string
}

export interface Place {
  label: string
  level: string
  confidence: number
  because: Because[]
  lon?: number
  lat?: number
}

export interface Owner {
  lead: Named
  assists: Named[]
  convener: Named | null
  because: Because[]
  unambiguous: boolean
}

/** 回避 — who had to step back; told only to those who decide on it. */
export interface Bar {
  id: string
  why: 'recused' | 'ordered' | 'accused'
  org: Named | null
  account: string | null
  name: string | null
  at: string
  ended_at: string | null
}

/** 研判 — empty for cases that came without one. */
export interface Triage {
  matter?: Named | null
  confidence?: number | null
  because?: Because[]
  runners?: Runner[]
  place?: Place | null
  owner?: Owner | null
  clocks?: { kind: string; due_at: string; basis: string; uncertain: string | null }[]
  duplicates?: Duplicate[]
}

type Loose = 'light' | 'clocks' | 'dispatches' | 'replies' | 'call_backs' | 'extensions' | 'transfers' | 'bars' | 'triage' | 'timeline' | 'lineage'

export type CaseOut = Omit<Schemas['CaseOut'], Loose> & {
  light: Light | null
  lineage: AreaRef[]
  clocks: Clock[]
  dispatches: Dispatch[]
  replies: Reply[]
  call_backs: CallBack[]
  extensions: Extension[]
  transfers: Transfer[]
  bars: Bar[]
  triage: Triage
  timeline: TimelineEntry[]
}
