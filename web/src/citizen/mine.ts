/** Numbers and codes of what was sent from this device. Never what was written. */
import { ref } from 'vue'
import { remember, remembered } from '@/kit/store'

export interface Mine {
  no: string
  token: string
  at: string
  matter: string
  matter_en?: string
}

const KEY = 'shiyu.mine'
const MOST = 50
const SECRETS = 'shiyu.secrets'

export const mine = ref<Mine[]>(remembered<Mine[]>(KEY) ?? [])

function save(rows: Mine[]): void {
  mine.value = rows.slice(0, MOST)
  remember(KEY, mine.value.length ? mine.value : null)
}

export const addMine = (row: Mine): void => save([row, ...mine.value.filter((other) => other.no !== row.no)])
export const removeMine = (no: string): void => save(mine.value.filter((row) => row.no !== no))
export const clearMine = (): void => save([])

/** The code of a case opened in this tab: not in the address, where it would stay in the browser's history. */
export function secretOf(no: string): string | null {
  const kept = remembered<Record<string, string>>(SECRETS, 'session') ?? {}
  return kept[no] ?? mine.value.find((row) => row.no === no)?.token ?? null
}

export function keepSecret(no: string, token: string): void {
  remember(SECRETS, { ...remembered<Record<string, string>>(SECRETS, 'session'), [no]: token }, 'session')
}
