/** The rule behind a time limit: a citation as it is written, or in words where the server has words for it. */
import { say, translate, type Both } from './i18n'

const DEFAULT = 'default profile'

let words: (key: string) => Both | undefined = () => undefined

/** A face that has fetched the server's words lends them. */
export function lend(of: (key: string) => Both | undefined): void {
  words = of
}

/** Also inside a sentence: a reason names its rule in brackets. */
export function basis(text: string): string {
  const whole = words(`basis.${text}`)
  if (whole) return say(whole)
  if (!text.includes(DEFAULT)) return text
  const named = words(`basis.${DEFAULT}`)
  const plain = named ? say(named) : translate('kit.basis.default')
  // Within the brackets of a sentence it needs none of its own.
  return text.replace(DEFAULT, plain.replace('（', '，').replace('）', ''))
}
