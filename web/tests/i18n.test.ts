import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fill } from '@/kit/i18n'

const SRC = join(__dirname, '../src')
const FACES = ['kit', 'citizen', 'desk', 'field', 'screen'].filter((face) => {
  try {
    return statSync(join(SRC, face, 'zh-CN.json')).isFile()
  } catch {
    return false
  }
})

const words = (face: string, lang: string): Record<string, string> => JSON.parse(readFileSync(join(SRC, face, `${lang}.json`), 'utf8'))
const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]))].sort()

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sources(join(folder, entry.name)) : /\.(vue|ts)$/.test(entry.name) ? [join(folder, entry.name)] : [],
  )
}

describe.each(FACES)('the words of %s', (face) => {
  const zh = words(face, 'zh-CN')
  const en = words(face, 'en')

  it('have the same keys in both languages', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort())
  })

  it('fill in the same things in both languages', () => {
    const differing = Object.keys(zh).filter((key) => String(names(zh[key]!)) !== String(names(en[key]!)))
    expect(differing).toEqual([])
  })

  it('are empty in no language, and English holds no Chinese', () => {
    expect(Object.entries({ ...zh }).filter(([, text]) => !text.trim())).toEqual([])
    expect(Object.entries(en).filter(([key, text]) => !text.trim() || (/[\u4e00-\u9fff]/.test(text) && key !== 'kit.language'))).toEqual([])
  })

  it('are all used somewhere', () => {
    const text = sources(SRC).map((path) => readFileSync(path, 'utf8')).join('\n')
    // A key may be put together: t(`home.how.${n}`) uses home.how.1.
    const built = [...text.matchAll(/`([a-z_0-9]+(?:\.[a-z_0-9]+)*\.)\$\{/g)].map((found) => found[1]!)
    const looked = ['box.', 'light.', 'urgency.', 'kind.']
    const unused = Object.keys(zh).filter(
      (key) => !text.includes(`'${key}'`) && !text.includes(`"${key}"`) && ![...built, ...looked].some((start) => key.startsWith(start)),
    )
    expect(unused).toEqual([])
  })
})

describe('filling in', () => {
  it('takes the form that fits the number', () => {
    expect(fill('{n} day | {n} days', { n: 1 })).toBe('1 day')
    expect(fill('{n} day | {n} days', { n: 3 })).toBe('3 days')
    expect(fill('{n} 天', { n: 1 })).toBe('1 天')
  })

  it('leaves a name alone that nothing was brought for', () => {
    expect(fill('{a} and {b}', { a: 'x' })).toBe('x and {b}')
  })
})
