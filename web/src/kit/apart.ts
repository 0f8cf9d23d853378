/** Words of a part of a face that is loaded late: Chinese comes with the part, English when it is asked for. */
import { shallowRef, watch } from 'vue'
import { fill, lang, translate, type Params, type Words } from './i18n'

export function apart<Key extends string>(zh: Record<Key, string>, english: () => Promise<{ default: Words }>) {
  const en = shallowRef<Words | null>(null)
  watch(
    lang,
    async (next) => {
      if (next === 'en' && !en.value) en.value = await english().then((file) => file.default, () => null)
    },
    { immediate: true },
  )
  /** The part's own word, or else the face's. */
  return (key: Key, params?: Params): string => {
    const own = (lang.value === 'en' && en.value?.[key]) || zh[key]
    return own ? fill(own, params) : translate(key, params)
  }
}
