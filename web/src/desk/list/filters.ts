/** What a list shows, as it stands in the address of the page. */
import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Query } from '@/client/http'
import type { Named } from '@/client/types'

export const SORTS = ['due', 'new'] as const
export const LIGHTS = ['red', 'amber', 'green'] as const
export const URGENCIES = ['normal', 'urgent', 'danger'] as const

export interface Filters {
  box: string | null
  q: string
  state: string | null
  kind: string | null
  light: string | null
  urgency: string | null
  channel: string | null
  /** Code and name: the name is only for showing it again after a reload. */
  matter: Named | null
  org: Named | null
  /** The way down to the area; the last one counts. */
  area: string[] | null
  from: string | null
  to: string | null
  sort: string
}

const PLAIN = ['box', 'state', 'kind', 'light', 'urgency', 'channel', 'from', 'to'] as const

/** What has ended has no day to be sorted by. */
const TIMELESS = ['done', 'all', 'no_place', 'suspended']
const usual = (box: string | null): string => (TIMELESS.includes(box ?? '') ? 'new' : 'due')

const one = (value: unknown): string => (typeof value === 'string' ? value : '')

function named(text: string): Named | null {
  const at = text.indexOf('~')
  return text ? { code: at < 0 ? text : text.slice(0, at), name: at < 0 ? text : text.slice(at + 1) } : null
}

export function read(query: LocationQuery): Filters {
  const plain = Object.fromEntries(PLAIN.map((name) => [name, one(query[name]) || null]))
  return {
    ...(plain as Pick<Filters, (typeof PLAIN)[number]>),
    q: one(query.q),
    matter: named(one(query.matter)),
    org: named(one(query.org)),
    area: one(query.area) ? one(query.area).split('.') : null,
    sort: SORTS.find((sort) => sort === query.sort) ?? usual(one(query.box)),
  }
}

/** For the address: only what is set. */
export function write(of: Filters): LocationQueryRaw {
  const query: LocationQueryRaw = {}
  for (const name of PLAIN) if (of[name]) query[name] = of[name]
  if (of.q) query.q = of.q
  if (of.matter) query.matter = `${of.matter.code}~${of.matter.name}`
  if (of.org) query.org = `${of.org.code}~${of.org.name}`
  if (of.area?.length) query.area = of.area.join('.')
  if (of.sort !== usual(of.box)) query.sort = of.sort
  return query
}

/** For the server. */
export function wire(of: Filters): Query {
  const { matter, org, area, box, ...rest } = of
  return {
    ...rest,
    // Everything, ended or not, is no box of the server's: it is the absence of one.
    box: box === 'all' ? null : (box ?? 'mine_all'),
    matter: matter?.code,
    org: org?.code,
    area: area?.[area.length - 1],
  }
}

/** How many filters are set, the box and the order not counted. */
export function set(of: Filters): number {
  const { box: _box, sort: _sort, ...rest } = of
  return Object.values(rest).filter((value) => (Array.isArray(value) ? value.length > 0 : Boolean(value))).length
}

export const cleared = (of: Filters): Filters => ({ ...read({}), box: of.box, sort: of.sort })
