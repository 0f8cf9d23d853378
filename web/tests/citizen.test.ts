import { beforeEach, describe, expect, it } from 'vitest'
import { draft, isPhone, startAgain, wire } from '@/citizen/draft'
import { addMine, mine, removeMine, secretOf } from '@/citizen/mine'
import { scaled } from '@/kit/photo'
import { uuid } from '@/kit/store'

beforeEach(() => {
  localStorage.clear()
  startAgain()
})

describe('a report on its way', () => {
  it('carries no name and no number when it is anonymous', () => {
    Object.assign(draft, { text: ' 楼道扶手断裂 ', name: '某人', phone: '13800005678', identity: 'anonymous' })
    expect(wire(draft)).toMatchObject({ text: '楼道扶手断裂', anonymous: true, confidential: false, name: undefined, phone: undefined })
  })

  it('keeps one key until it is sent, and has another afterwards', () => {
    const key = draft.key
    draft.text = 'again'
    expect(wire(draft).key).toBe(key)
    startAgain()
    expect(draft.key).not.toBe(key)
  })

  it('says which frame a position is in', () => {
    draft.position = { lon: 122.99, lat: 41.1, accuracy: 12 }
    expect(wire(draft).position).toEqual({ lon: 122.99, lat: 41.1, accuracy: 12, frame: 'wgs84' })
  })
})

describe('a telephone number', () => {
  it.each(['13800005678', '138 0000 5678', '+8613800005678', '0412-1234567', '024 12345678'])('%s is one', (text) => {
    expect(isPhone(text)).toBe(true)
  })

  it.each(['', '123', '1380000567', '23800005678', '1234567', 'abc'])('"%s" is none', (text) => {
    expect(isPhone(text)).toBe(false)
  })
})

describe('what was sent from this device', () => {
  it('is kept once, the newest first, and can be removed', () => {
    addMine({ no: 'A', token: 't1', at: '', matter: '' })
    addMine({ no: 'B', token: 't2', at: '', matter: '' })
    addMine({ no: 'A', token: 't3', at: '', matter: '' })
    expect(mine.value.map((row) => row.no)).toEqual(['A', 'B'])
    expect(secretOf('A')).toBe('t3')
    removeMine('A')
    expect(secretOf('A')).toBeNull()
  })
})

describe('a picture', () => {
  it('is made to fit the long side, and never larger', () => {
    expect(scaled(4000, 3000)).toEqual({ width: 2048, height: 1536 })
    expect(scaled(3000, 4000)).toEqual({ width: 1536, height: 2048 })
    expect(scaled(800, 600)).toEqual({ width: 800, height: 600 })
  })
})

describe('a key', () => {
  it('is a UUID of version 4, also without crypto.randomUUID', () => {
    const own = crypto.randomUUID
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true })
    const made = uuid()
    Object.defineProperty(crypto, 'randomUUID', { value: own, configurable: true })
    expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})
