import { describe, expect, it } from 'vitest'
import { cleared, read, set, wire, write, type Filters } from '@/desk/list/filters'

const some: Filters = {
  ...read({}),
  box: 'overdue',
  q: '扶手',
  light: 'red',
  matter: { code: '040101', name: '楼道扶手损坏' },
  area: ['210302', '210302005'],
  from: '2026-02-01',
  sort: 'new',
}

describe('the filters of a list', () => {
  it('come back from the address as they were written', () => {
    expect(read(write(some) as Record<string, string>)).toEqual(some)
  })

  it('leave an empty address when nothing is set', () => {
    expect(write(read({}))).toEqual({})
  })

  it('go to the server as codes', () => {
    expect(wire(some)).toMatchObject({ box: 'overdue', matter: '040101', area: '210302005', org: undefined, sort: 'new' })
    expect(wire(read({})).box).toBe('mine_all')
  })

  it('are counted without box and order, which clearing leaves alone', () => {
    expect(set(some)).toBe(5)
    expect(set(cleared(some))).toBe(0)
    expect(cleared(some)).toMatchObject({ box: 'overdue', sort: 'new' })
  })

  it('survive an address written by hand', () => {
    expect(read({ sort: 'nonsense', matter: '0401', light: ['red', 'green'] })).toMatchObject({ sort: 'due', matter: { code: '0401', name: '0401' }, light: null })
  })
})
