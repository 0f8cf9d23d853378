/**
 * What was done on the spot waits here until the server has it: oldest first, at most once, whatever the net does.
 *
 * A row gets its client id when it is saved and keeps it for ever, so that sending it twice is harmless. Nothing here believes
 * navigator.onLine: no net is what a request that failed has shown. A row that the server refuses is set aside with its sentence.
 */
import { computed, ref, shallowRef } from 'vue'
import { post, session, upload } from '@/client/http'
import { asRefused, type Problem, type Refused } from '@/client/problem'
import type { StoredFile } from '@/client/types'
import { uuid } from '@/kit/store'
import { ended, greet, who } from './session'
import { allRows, dropRow, keep, kept, putRow } from './store'

export type Kind = 'sighting' | 'task_accept' | 'task_done' | 'task_return' | 'check_in'
export interface Shot {
  blob: Blob
  name: string
  id?: string
}
export interface Row {
  client_id: string
  account: string
  made: number
  type: Kind
  at: string
  label: string
  fields: Record<string, unknown>
  shots: Shot[]
  solved: Shot[]
  refused: Problem | null
  /** Its photos were sent anew once already. */
  resent?: boolean
}
export interface Sent {
  client_id: string
  type: Kind
  label: string
  no: string
  at: number
}
interface Told {
  client_id: string | null
  ok: boolean
  no: string | null
  status: number
  code: string | null
  message: Problem['message']
  errors: Problem['errors']
}

const BATCH = 10
const FIRST_PAUSE = 2_000
const LONGEST_PAUSE = 120_000
const SENT_KEPT = 30

export const rows = shallowRef<Row[]>([])
/** Rows on this phone that wait for somebody else to sign in. */
export const foreign = ref(0)
export const sent = shallowRef<Sent[]>([])
export const sending = shallowRef<Set<string>>(new Set())
/** Why nothing goes now; empty while all is well. */
export const trouble = ref<'' | 'net' | 'server' | 'session'>('')
export const retryAt = ref(0)
/** Grows with every row that arrived, for pages that show what the server knows. */
export const arrived = ref(0)

export const waiting = computed(() => rows.value.filter((row) => !row.refused))
export const refused = computed(() => rows.value.filter((row) => row.refused))
/** The newest word about a task that still waits. */
export const about = (task: string): Row | undefined => [...rows.value].reverse().find((row) => row.fields.task === task)

let pause = FIRST_PAUSE
let timer: ReturnType<typeof setTimeout> | undefined
let busy = false
let again = false

const mine = (): string => who.value?.id ?? ''

/** Read what the phone holds; rows of somebody else are counted and left alone. */
export async function load(): Promise<void> {
  const all = await allRows<Row>()
  rows.value = all.filter((row) => row.account === mine()).sort((a, b) => a.made - b.made)
  foreign.value = all.length - rows.value.length
  sent.value = (await kept<Sent[]>(`${mine()}:sent`)) ?? []
}

/** Save; resolves when it is on the disk. The same client id again replaces a row that is being mended. */
export async function save(
  row: Pick<Row, 'type' | 'label' | 'fields'> & Partial<Pick<Row, 'client_id' | 'shots' | 'solved' | 'made' | 'at'>>,
): Promise<void> {
  const plain = (shots: Shot[] = []) => shots.map(({ blob, name, id }) => ({ blob, name, ...(id && { id }) }))
  await putRow({
    client_id: row.client_id ?? uuid(),
    account: mine(),
    made: row.made ?? Date.now(),
    at: row.at ?? new Date().toISOString(),
    type: row.type,
    label: row.label,
    fields: JSON.parse(JSON.stringify(row.fields)),
    shots: plain(row.shots),
    solved: plain(row.solved),
    refused: null,
  } satisfies Row)
  void navigator.storage?.persist?.().catch(() => false)
  await load()
  go()
}

export async function drop(id: string): Promise<void> {
  await dropRow(id)
  await load()
}

export async function retry(row: Row): Promise<void> {
  await putRow({ ...row, refused: null })
  await load()
  go()
}

/** Try now, and start again with short pauses. */
export function go(): void {
  pause = FIRST_PAUSE
  void send()
}

function later(why: 'net' | 'server'): void {
  trouble.value = why
  clearTimeout(timer)
  const length = pause * (0.8 + Math.random() * 0.4)
  pause = Math.min(pause * 2, LONGEST_PAUSE)
  retryAt.value = Date.now() + length
  timer = setTimeout(() => void send(), length)
}

async function send(): Promise<void> {
  if (busy) {
    again = true
    return
  }
  if (!who.value) return
  busy = true
  again = false
  clearTimeout(timer)
  retryAt.value = 0
  try {
    // Two windows would only send the same rows twice, which is harmless but slow.
    const locks = navigator.locks
    if (locks) await locks.request('shiyu.field.send', { ifAvailable: true }, async (lock) => (lock ? round() : undefined))
    else await round()
  } finally {
    busy = false
    sending.value = new Set()
    if (again) void send()
  }
}

async function round(): Promise<void> {
  let size = BATCH
  const skip = new Set<string>() // the server failed on these; they are tried again later, behind the others
  for (;;) {
    await load()
    const batch = waiting.value.filter((row) => !skip.has(row.client_id)).slice(0, size)
    if (!batch.length) break
    if (!session.csrf && !(await greet())) return ended.value ? stopForSession() : later('net')
    sending.value = new Set(batch.map((row) => row.client_id))
    try {
      const ready = await withPhotos(batch, skip)
      if (ready.length) await deliver(ready, skip)
    } catch (error) {
      const why = asRefused(error)
      if (why.status === 401 || ended.value) return stopForSession()
      if (why.code === 'auth.must_change') return stopForSession()
      if (why.status === 0) return later('net')
      if (why.status >= 500 || why.status === 429 || why.code === 'auth.csrf' || !why.problem.message) return later('server')
      if (size > 1) size = 1
      else await setAside(batch[0]!, why.problem)
      continue
    }
    trouble.value = ''
    pause = FIRST_PAUSE
  }
  if (skip.size) later('server')
  else trouble.value = ''
}

function stopForSession(): void {
  ended.value = true
  trouble.value = 'session'
}

/** Photos go first, each once: its number is kept with the row at once. A photo that is refused sets its row aside. */
async function withPhotos(batch: Row[], skip: Set<string>): Promise<Row[]> {
  const ready: Row[] = []
  for (const row of batch) {
    try {
      for (const shot of [...row.shots, ...row.solved]) {
        if (shot.id) continue
        shot.id = (await uploaded(shot)).id
        await putRow(row)
      }
      ready.push(row)
    } catch (error) {
      const why = asRefused(error)
      const final = why.status >= 400 && why.status < 500 && ![401, 403, 408, 429].includes(why.status) && why.problem.message
      if (final) await setAside(row, why.problem)
      else if (why.status >= 500) skip.add(row.client_id)
      else throw error
    }
  }
  return ready
}

async function uploaded(shot: Shot): Promise<StoredFile> {
  const once = () => upload<StoredFile>('/api/files', shot.blob, shot.name, () => undefined)
  try {
    return await once()
  } catch (error) {
    if ((error as Refused).code === 'auth.csrf' && (await greet())) return once()
    throw error
  }
}

async function deliver(batch: Row[], skip: Set<string>): Promise<void> {
  const items = batch.map((row) => ({
    ...row.fields,
    client_id: row.client_id,
    type: row.type,
    at: row.at,
    files: row.shots.map((shot) => shot.id),
    ...(row.type === 'sighting' && { solved_files: row.solved.map((shot) => shot.id) }),
  }))
  const answer = await post<{ items?: Told[] } | null>('/api/field/sync', { items })
  const told = new Map((Array.isArray(answer?.items) ? answer.items : []).map((one) => [one.client_id, one]))
  // Somebody else answered (the page of a public wireless net): it is as if there were no net.
  if (!told.size) throw asRefused(new TypeError('no answer of ours'))
  for (const row of batch) {
    const one = told.get(row.client_id)
    if (one?.ok) await done(row, one.no ?? '')
    else if (!one || one.status >= 500) skip.add(row.client_id)
    else await mendOrSetAside(row, one)
  }
}

async function done(row: Row, no: string): Promise<void> {
  const entry: Sent = { client_id: row.client_id, type: row.type, label: row.label, no, at: Date.now() }
  await keep(`${mine()}:sent`, [entry, ...sent.value.filter((one) => one.client_id !== row.client_id)].slice(0, SENT_KEPT))
  await dropRow(row.client_id)
  await load()
  arrived.value++
}

/** Photos that waited too long were forgotten by the server: they are still here, so they are sent once more. */
async function mendOrSetAside(row: Row, told: Told): Promise<void> {
  const lost = told.code === 'file.not_found' && !row.resent
  if (!lost) {
    const { code, status, message, errors } = told
    return setAside(row, { code: code ?? '', status, message, errors, facts: {}, now: null, request_id: '' })
  }
  const anew = (shots: Shot[]) => shots.map(({ blob, name }) => ({ blob, name }))
  await putRow({ ...row, shots: anew(row.shots), solved: anew(row.solved), resent: true })
}

async function setAside(row: Row, problem: Problem): Promise<void> {
  const plain = JSON.parse(JSON.stringify({ ...problem, now: null })) as Problem
  await putRow({ ...row, refused: plain })
  await load()
}

/** Begin: what was left from before a reload, a crash or an empty battery goes on by itself. */
export async function begin(): Promise<void> {
  await load().catch(() => undefined)
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && go())
  addEventListener('online', go)
  addEventListener('focus', go)
  go()
}
