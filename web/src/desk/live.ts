/** News from the server: "case X changed". One stream a page; when it is broken the page asks every half minute. */
import { ref } from 'vue'
import { reached } from '@/client/http'

export type News = { type: string; no?: string; kind?: string }
type Listener = (news: News) => void

export const state = ref<'live' | 'again' | 'polling'>('again')
export const asOf = ref(new Date().toISOString())

const PAUSE = 30_000
const AGAIN = 2_000
const listeners = new Set<Listener>()
let source: EventSource | null = null
let poll: ReturnType<typeof setInterval> | undefined
let retry: ReturnType<typeof setTimeout> | undefined
let broke = false

export function listen(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const tell = (news: News) => listeners.forEach((listener) => listener(news))

function hear(event: MessageEvent<string>): void {
  asOf.value = new Date().toISOString()
  try {
    tell(JSON.parse(event.data) as News)
  } catch {
    // A message that is not ours.
  }
}

export function connect(): void {
  disconnect()
  source = new EventSource('/api/live')
  source.onopen = () => {
    clearInterval(poll)
    poll = undefined
    state.value = 'live'
    reached.value = true
    // What happened while nobody listened is fetched whole.
    if (broke) tell({ type: 'all' })
    broke = false
  }
  source.onmessage = hear
  // A sign of life with the time of the server; no news.
  source.addEventListener('beat', () => (asOf.value = new Date().toISOString()))
  // The session is over, or its rights have changed: what comes next decides, be it refused or not.
  source.addEventListener('end', () => {
    source?.close()
    state.value = 'again'
    broke = true
    retry = setTimeout(connect, AGAIN)
  })
  source.onerror = () => {
    broke = true
    state.value = 'again'
    poll ??= setInterval(() => {
      state.value = 'polling'
      asOf.value = new Date().toISOString()
      tell({ type: 'all' })
    }, PAUSE)
    // A refused stream stays closed; the browser only repairs broken ones.
    if (source?.readyState === EventSource.CLOSED) retry = setTimeout(connect, PAUSE)
  }
}

export function disconnect(): void {
  source?.close()
  source = null
  clearInterval(poll)
  clearTimeout(retry)
  poll = undefined
}
