/** The citizen's words: Chinese in the bundle, English on demand. */
import type { Params } from '@/kit/i18n'
import { speak, translate } from '@/kit/i18n'
import kit from '@/kit/zh-CN.json'
import own from './zh-CN.json'

export type Key = keyof typeof own | keyof typeof kit

export const t = (key: Key, params?: Params): string => translate(key, params)

export const has = (key: string): key is Key => key in own

export const ready = (): Promise<void> =>
  speak([kit, own], async () => (await Promise.all([import('@/kit/en.json'), import('./en.json')])).map((file) => file.default))
