/** A list read page by page, with its state: loading, in trouble, empty or there. */
import { ref, shallowRef } from 'vue'
import { get, type Query } from '@/client/http'
import { asRefused } from '@/client/problem'

interface Rows<T> {
  rows: T[]
  next: string | null
}

export function paged<T, P extends Rows<T> = Rows<T>>(path: string, query: () => Query) {
  const rows = shallowRef<T[]>([])
  const page = shallowRef<P | null>(null)
  const loading = ref(true)
  const trouble = ref('')
  let asked = 0

  async function load(after: string | null = null) {
    const mine = ++asked
    loading.value = true
    trouble.value = ''
    try {
      const found = await get<P>(path, { ...query(), after })
      if (mine !== asked) return
      page.value = found
      rows.value = after ? [...rows.value, ...found.rows] : found.rows
    } catch (error) {
      if (mine === asked) trouble.value = asRefused(error).sentence
    } finally {
      if (mine === asked) loading.value = false
    }
  }
  return { rows, page, loading, trouble, load }
}

/** A day of the calendar in Beijing, so many days from now. */
export const dayFrom = (days: number): string =>
  new Date(Date.now() + days * 86_400_000).toLocaleDateString('sv-SE', { timeZone: 'Asia/Shanghai' })
