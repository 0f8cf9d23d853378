/** The one door to the server: session word, problems, waiting time, signing in again. */
import { ref } from 'vue'
import { broken, refusal, type Refused } from './problem'

export type Query = Record<string, string | number | boolean | null | undefined | readonly string[]>

const PATIENCE = 30_000

/** Refusals that signing in again, or a fresh CSRF word, can mend. */
const ENDED = new Set(['auth.session_ended', 'auth.sign_in_first', 'auth.csrf'])

/** False after a request that found no server, true after one that did; more honest than navigator.onLine. */
export const reached = ref(true)

/** What a face with sessions adds: its CSRF word, and what to do when the session has ended or the word is old. */
export const session = {
  csrf: '',
  /** Resolves true when somebody signed in again and the call should be tried once more. */
  renew: async (_why: Refused): Promise<boolean> => false,
}

export function address(path: string, query?: Query): string {
  const words = new URLSearchParams()
  for (const [key, value] of Object.entries(query ?? {})) {
    if (Array.isArray(value)) value.forEach((one) => words.append(key, one))
    else if (value !== null && value !== undefined && value !== '') words.set(key, String(value))
  }
  const text = words.toString()
  return text ? `${path}?${text}` : path
}

interface Options {
  query?: Query
  body?: unknown
  signal?: AbortSignal
}

async function once<T>(method: string, path: string, options: Options): Promise<T> {
  const stop = new AbortController()
  const clock = setTimeout(() => stop.abort(), PATIENCE)
  options.signal?.addEventListener('abort', () => stop.abort())
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (session.csrf && method !== 'GET') headers['X-CSRF-Token'] = session.csrf
  try {
    const answer = await fetch(address(path, options.query), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      credentials: 'same-origin',
      signal: stop.signal,
    })
    reached.value = true
    const text = await answer.text()
    const body: unknown = text ? read(text) : null
    if (!answer.ok) throw refusal(answer.status, body)
    return body as T
  } catch (error) {
    if (error instanceof Error && 'problem' in error) throw error
    const failed = broken(error)
    if (failed.code === 'problem.net') reached.value = false
    throw failed
  } finally {
    clearTimeout(clock)
  }
}

function read(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  try {
    return await once<T>(method, path, options)
  } catch (error) {
    const refused = error as Refused
    if (ENDED.has(refused.code) && (await session.renew(refused))) return once<T>(method, path, options)
    throw error
  }
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) => call<T>('GET', path, { query, signal })
export const post = <T>(path: string, body: unknown = {}, signal?: AbortSignal) => call<T>('POST', path, { body, signal })
export const remove = <T>(path: string) => call<T>('DELETE', path)

/** Send one file; XMLHttpRequest, because fetch does not tell how far it is. */
export function upload<T>(path: string, file: Blob, name: string, progress: (percent: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const form = new FormData()
    form.append('file', file, name)
    request.open('POST', path)
    request.setRequestHeader('Accept', 'application/json')
    if (session.csrf) request.setRequestHeader('X-CSRF-Token', session.csrf)
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress(Math.round((event.loaded / event.total) * 100))
    }
    request.onload = () => {
      reached.value = true
      const body = read(request.responseText)
      if (request.status < 300) resolve(body as T)
      else reject(refusal(request.status, body))
    }
    request.onerror = () => {
      reached.value = false
      reject(broken(new TypeError('network')))
    }
    request.send(form)
  })
}
