/** The browser's two stores, never failing: private windows and full disks only mean that nothing is remembered. */
type Where = 'local' | 'session'

const shelf = (where: Where) => (where === 'local' ? localStorage : sessionStorage)

export function remember(key: string, value: unknown, where: Where = 'local'): void {
  try {
    if (value === null || value === undefined) shelf(where).removeItem(key)
    else shelf(where).setItem(key, JSON.stringify(value))
  } catch {
    /* not remembered */
  }
}

export function remembered<T>(key: string, where: Where = 'local'): T | null {
  try {
    const text = shelf(where).getItem(key)
    return text === null ? null : (JSON.parse(text) as T)
  } catch {
    return null
  }
}

/** A random UUID, also where the page is not served over HTTPS and crypto.randomUUID is missing. */
export function uuid(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
