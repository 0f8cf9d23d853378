/** What the wall knows: a snapshot fetched whole, news as it comes, and how fresh all of it is. */
import { computed, ref, shallowRef } from 'vue'
import { get } from '@/client/http'
import { asRefused } from '@/client/problem'
import { me, whoAmI } from './session'
import type { Line, Snapshot } from './types'

const FEED = 30
const GATHER = 1500 // ms in which news is gathered before the figures are fetched again
const AGAIN = 4000 // ms until figures that did not know all news are asked for again
const WHOLE = 60_000 // ms after which the snapshot is fetched even if nothing was heard
const SILENCE = 25_000 // ms without a sign of life: the stream is dead, whatever the browser says
const LATE = 10 // seconds that figures may lie behind and still be called live
const RELOAD_HOUR = 4

export const snapshot = shallowRef<Snapshot | null>(null)
export const feed = shallowRef<Line[]>([])
export const area = ref<string | null>(new URLSearchParams(location.search).get('area'))
export const fault = ref('')
export const forbidden = ref(false)
export const now = ref(Date.now())
const connected = ref(false)
const beatAt = ref(0)
const beatBehind = ref(0)

/** Server's time minus this machine's, so that a wall with a wrong clock shows the right time. */
let drift = 0

export const behind = computed(() => (connected.value ? beatBehind.value : Math.max(0, Math.round((now.value - asOf.value) / 1000))))
export const link = computed<'live' | 'again' | 'behind'>(() => (!connected.value ? 'again' : behind.value >= LATE ? 'behind' : 'live'))

/** Up to when the figures are right: the last sign of life while all news has been counted, otherwise the snapshot's own time. */
export const asOf = computed(() => {
  const shown = snapshot.value ? Date.parse(snapshot.value.as_of) : now.value
  return connected.value && beatBehind.value === 0 ? Math.max(shown, beatAt.value) : shown
})

type Hears = (line: Line) => void
const hearers = new Set<Hears>()

/** Be told of each piece of news while the wall runs. */
export function onNews(call: Hears): () => void {
  hearers.add(call)
  return () => hearers.delete(call)
}

let turn = 0
let soon: ReturnType<typeof setTimeout> | undefined

export async function refresh(): Promise<void> {
  clearTimeout(soon)
  soon = undefined
  const mine = ++turn
  try {
    const found = await get<Snapshot>('/api/screen/snapshot', { area: area.value })
    if (mine !== turn) return
    snapshot.value = found
    feed.value = merged(found.feed, feed.value.filter(here))
    fault.value = ''
    forbidden.value = false
    if (found.seconds_behind > 0) later(AGAIN)
  } catch (error) {
    const refused = asRefused(error)
    if (mine !== turn) return
    if (refused.status === 401) await whoAmI()
    else if (refused.status === 403) forbidden.value = true
    else if (refused.status === 404 && area.value) go(null)
    else fault.value = refused.sentence
  }
}

const later = (pause: number) => (soon ??= setTimeout(() => void refresh(), pause))

export function go(code: string | null): void {
  if (code === area.value) return
  area.value = code
  feed.value = []
  history.replaceState(null, '', code ? `?area=${encodeURIComponent(code)}` : location.pathname)
  void refresh()
}

const here = (line: Line): boolean => !area.value || line.county === area.value

/** Newest first, each once, no more than fit. */
export function merged(...lists: Line[][]): Line[] {
  const found = new Map<string, Line>()
  for (const line of lists.flat()) found.set(line.id, line)
  return [...found.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, FEED)
}

// --- news; gathered and shown once a frame -------------------------------------------------------------------------

let waiting: Line[] = []

function hear(event: MessageEvent<string>): void {
  const told = JSON.parse(event.data) as Line & { type: string }
  if (told.type === 'all') return void refresh()
  if (told.type !== 'case') return
  later(GATHER)
  if (!told.label || !here(told)) return
  if (!waiting.length) requestAnimationFrame(show)
  waiting.push(told)
}

function show(): void {
  const fresh = waiting.slice(-FEED)
  waiting = []
  feed.value = merged(fresh, feed.value)
  for (const line of fresh) hearers.forEach((call) => call(line))
}

let source: EventSource | null = null
let broke = false

function connect(): void {
  source?.close()
  const after = snapshot.value?.position
  source = new EventSource(`/api/live?wall=true${after ? `&after=${after}` : ''}`)
  source.onopen = () => {
    // What came while nobody listened is in the stream; the figures are fetched whole.
    if (broke) void refresh()
    broke = false
  }
  source.onmessage = hear
  source.addEventListener('beat', (event) => {
    const told = JSON.parse((event as MessageEvent<string>).data) as { at: string; seconds_behind: number }
    drift = Date.parse(told.at) - Date.now()
    beatAt.value = Date.parse(told.at)
    beatBehind.value = Math.round(told.seconds_behind)
    connected.value = true
  })
  source.addEventListener('end', () => void whoAmI())
  source.onerror = () => {
    broke = true
    connected.value = false
  }
}

/** Once a second: the clock, and whether the stream still lives. */
function tick(): void {
  now.value = Date.now() + drift
  const dead = source?.readyState === EventSource.CLOSED || (connected.value && now.value - beatAt.value > SILENCE)
  if (dead && Math.floor(now.value / 1000) % 5 === 0) {
    broke = true
    connected.value = false
    void whoAmI().then(() => me.value && connect())
  }
}

const started = Date.now()

/** Once a night, when the server answers: a fresh page, so that nothing gathers over weeks. */
async function reloadAtNight(): Promise<void> {
  const hour = Number(new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Shanghai', hour: '2-digit', hourCycle: 'h23' }).format(now.value))
  if (hour !== RELOAD_HOUR || Date.now() - started < 2 * 3600_000) return
  const answer = await fetch('/healthz').catch(() => null)
  if (answer?.ok) location.reload()
}

export function start(): () => void {
  void refresh().then(connect)
  const clocks = [setInterval(tick, 1000), setInterval(() => void refresh(), WHOLE), setInterval(() => void reloadAtNight(), 10 * 60_000)]
  return () => {
    clocks.forEach(clearInterval)
    clearTimeout(soon)
    source?.close()
  }
}
