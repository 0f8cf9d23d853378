/** The kit's own words, checked against its own file. */
import type { Params } from '../i18n'
import { translate } from '../i18n'
import type zh from '../zh-CN.json'

export type KitKey = keyof typeof zh
const t = (key: KitKey, params?: Params): string => translate(key, params)
export const useWords = () => ({ t })
