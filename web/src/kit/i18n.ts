/** Languages of a face: Chinese in the bundle, English fetched when asked for. Server words come as {zh, en}. */
import { computed, ref, shallowRef } from 'vue'
import { remember, remembered } from './store'

export type Lang = 'zh-CN' | 'en'
export type Words = Record<string, string>
export type Both = { zh: string; en: string }
export type Params = Record<string, string | number>

const KEY = 'shiyu.lang'
export const lang = ref<Lang>('zh-CN')
const dictionary = shallowRef<Words>({})
let english: () => Promise<Words[]> = async () => []
let chinese: Words = {}

export const other = computed<Lang>(() => (lang.value === 'en' ? 'zh-CN' : 'en'))

/** Give a face its words; resolves when the remembered language is ready to be shown. */
export async function speak(zh: Words[], en: () => Promise<Words[]>): Promise<void> {
  chinese = Object.assign({}, ...zh)
  english = en
  dictionary.value = chinese
  if (remembered<Lang>(KEY) === 'en') await setLang('en').catch(() => undefined)
  else document.documentElement.lang = lang.value
}

export async function setLang(next: Lang): Promise<void> {
  if (next === 'en') dictionary.value = Object.assign({}, ...(await english()))
  else dictionary.value = chinese
  lang.value = next
  document.documentElement.lang = next
  remember(KEY, next)
}

/** Fill {names}; of "one | many" take the form that fits {n}. */
export function fill(text: string, params: Params = {}): string {
  const forms = text.split(' | ')
  const form = forms.length === 2 && params.n !== 1 ? forms[1]! : forms[0]!
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}

export function translate(key: string, params?: Params): string {
  return fill(dictionary.value[key] ?? key, params)
}

/** At the beginning of a line. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** In brackets, as the language writes them. */
export const aside = (text: string): string => translate('kit.aside', { text })

/** Names one after the other. */
export const listed = (names: readonly string[]): string => names.join(translate('kit.list'))

/** A name and, after a colon, what belongs to it. */
export const named = (name: string, text: string): string => translate('kit.named', { name, text })

/** The name of a thing in the language of the page, where it has one in that language. */
export function called(thing: { name: string; name_en?: string | null } | null | undefined): string {
  if (!thing) return ''
  return (lang.value === 'en' && thing.name_en) || thing.name
}

/** A server's words in the language of the page. */
export function say(words: Partial<Both> | Record<string, string> | string | null | undefined): string {
  if (!words) return ''
  if (typeof words === 'string') return words
  return (lang.value === 'en' ? words.en : words.zh) || words.zh || words.en || ''
}
