/** How many cases lie in each box; asked again when something happened, at most every two seconds. */
import { ref } from 'vue'
import { get } from '@/client/http'
import type { Count, Counts } from '@/client/types'

export const counts = ref<Counts | null>(null)

export const BOXES = [
  'to_dispatch',
  'no_place',
  'to_sign',
  'handling',
  'to_review',
  'to_assist',
  'to_call_back',
  'transferring',
  'extensions',
  'returned',
  'overdue',
  'suspended',
  'done',
  'mine_all',
] as const

/** Work of the centre: an office that never meets it need not see it empty. */
export const CENTRE: readonly string[] = ['to_dispatch', 'no_place', 'transferring', 'extensions', 'returned']

let timer: ReturnType<typeof setTimeout> | undefined

export async function loadCounts(): Promise<void> {
  const found = await get<Counts>('/api/cases/counts').catch(() => null)
  if (found) counts.value = found
}

export function countSoon(): void {
  timer ??= setTimeout(() => {
    timer = undefined
    void loadCounts()
  }, 2000)
}

export const shown = (count: Count | undefined): string => (count ? `${count.n}${count.more ? '+' : ''}` : '')
