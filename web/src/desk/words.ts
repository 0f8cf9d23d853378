/** The desk's words: its own, and those of the server for every coded value. */
import { shallowRef } from 'vue'
import { get } from '@/client/http'
import type { Both } from '@/client/types'
import { lend } from '@/kit/basis'
import { capital, say, speak, translate, type Params } from '@/kit/i18n'
import kit from '@/kit/zh-CN.json'
import own from './zh-CN.json'

export type Key = keyof typeof own | keyof typeof kit

export const t = (key: Key, params?: Params): string => translate(key, params)

export const has = (key: string): key is Key => key in own || key in kit

export const ready = (): Promise<void> =>
  speak([kit, own], async () => (await Promise.all([import('@/kit/en.json'), import('./en.json')])).map((file) => file.default))

const server = shallowRef<Record<string, Both>>({})

export async function loadWords(): Promise<void> {
  server.value = await get<Record<string, Both>>('/api/words').catch(() => ({}))
}

lend((key) => server.value[key])

/** The word of a coded value: label('state', 'handling'), label('call_back.result', 'reached'). The server's first, then ours, then the code itself. */
export function label(of: string, code: string | null | undefined): string {
  if (!code) return ''
  const found = server.value[`case.${of}.${code}`] ?? server.value[`${of}.${code}`]
  if (found) return capital(say(found))
  const key = `${of}.${code}`
  return has(key) ? t(key) : code
}

/** All codes the server knows of a kind, in its order. */
export function codes(of: string): string[] {
  const found = new Set<string>()
  for (const key of Object.keys(server.value)) {
    for (const start of [`case.${of}.`, `${of}.`]) {
      const rest = key.startsWith(start) ? key.slice(start.length) : ''
      if (rest && !rest.includes('.')) found.add(rest)
    }
  }
  return [...found]
}
