/** The server's last answers, kept on the phone: shown at once, fetched anew when there is a net. */
import { computed, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { get } from '@/client/http'
import { asRefused } from '@/client/problem'
import type { components } from '@/client/schema'
import { who } from './session'
import { keep, kept } from './store'

type Schemas = components['schemas']
export interface Named {
  code: string
  name: string
}
export type Shape = { type: 'Polygon'; coordinates: number[][][] } | { type: 'MultiPolygon'; coordinates: number[][][][] }
export interface Grid extends Named {
  full_name: string
  centre: { lon: number; lat: number } | null
  boundary: Shape | null
}
export interface Mine {
  id: string
  name: string
  grids: Grid[]
  community: Named | null
  town: Named | null
  tasks: Record<string, number>
  sightings_today: number
  quick: { code: string; name: string; name_en: string }[]
}
export interface Task {
  id: string
  no: string
  version: number
  state: string
  text: string
  area: Named
  from_org: Named | null
  due_at: string | null
  overdue: boolean
  created_at: string
  done_at: string | null
  result: string | null
  case: {
    no: string
    state: string
    text: string
    address: string | null
    area_name: string | null
    matter: Named | null
    position: { lon: number; lat: number } | null
  } | null
  steps: { at: string; verb: string; by_name: string | null; text: string | null }[]
  files: Schemas['FileOut'][]
  can: string[]
}
export interface Sighting {
  client_id: string
  no: string
  state: string
  label: { zh: string; en: string }
  text: string
  matter: Named | null
  area_name: string | null
  seen_at: string
  solved_on_spot: boolean
  office_name: string | null
}
export interface Around {
  no: string
  state: string
  urgency: string
  text: string
  address: string | null
  matter: Named | null
  accepted_at: string
  due_at: string | null
  light: 'green' | 'amber' | 'red' | null
}
export interface Heat {
  area: Named
  days: number
  total: number
  elsewhere: number
  pieces: (Named & { n: number; shape: Shape | null })[]
}

export interface Stop {
  point: number | null
  name: string | null
  lon: number | null
  lat: number | null
  days: number
  today: boolean
}
export interface Round {
  id: string
  name: string
  area: Named
  goal: number
  reach: number
  stops: Stop[]
  last: { at: string; counted: boolean; off: number } | null
}
export type Card = Schemas['CardOut']

interface Answer<T> {
  data: ShallowRef<T | null>
  at: Ref<number>
  fault: Ref<string>
  busy: Ref<boolean>
  refresh: () => Promise<void>
}

/** One question with its last answer. `path` may change; each path has an answer of its own. */
export function answer<T>(path: () => string): Answer<T> {
  const data = shallowRef<T | null>(null)
  const at = ref(0)
  const fault = ref('')
  const busy = ref(false)
  async function refresh() {
    const asked = path()
    const key = `${who.value?.id}:${asked}`
    const old = await kept<{ data: T; at: number }>(key).catch(() => undefined)
    if (path() !== asked) return
    data.value = old?.data ?? null
    at.value = old?.at ?? 0
    busy.value = true
    try {
      const fresh = await get<T>(asked)
      if (path() !== asked) return
      data.value = fresh
      at.value = Date.now()
      fault.value = ''
      await keep(key, { data: fresh, at: at.value }).catch(() => undefined)
    } catch (error) {
      if (path() === asked) fault.value = asRefused(error).sentence
    } finally {
      busy.value = false
    }
  }
  return { data, at, fault, busy, refresh }
}

export const mine = answer<Mine>(() => '/api/field/me')
export const tasks = answer<{ rows: Task[] }>(() => '/api/field/tasks?limit=200')
export const sightings = answer<{ rows: Sighting[] }>(() => '/api/field/sightings')
export const rounds = answer<Round[]>(() => '/api/field/patrols')
export const cards = answer<Card[]>(() => '/api/field/cards')
export const around = answer<{ rows: Around[] }>(() => '/api/field/cases')

/** What is still to do: what is due first stands first, what has no limit last. */
export const openTasks = computed(() => {
  const open = (tasks.data.value?.rows ?? []).filter((task) => ['assigned', 'accepted'].includes(task.state))
  const due = (task: Task) => (task.due_at ? new Date(task.due_at).getTime() : Infinity)
  return open.sort((a, b) => (due(a) === due(b) ? 0 : due(a) - due(b)))
})
