/** How far from the place: told on the phone as the server judges it. */
import { describe, expect, test } from 'vitest'
import { pointsOf } from '@/desk/posts/points'
import { metresToPoint, metresToShape, tooFar } from '@/field/near'

const LAT = 100 / 111_320
const square = { type: 'Polygon' as const, coordinates: [[[122, 41], [122.01, 41], [122.01, 41.01], [122, 41.01], [122, 41]]] }
const at = (lon: number, lat: number, accuracy = 0) => ({ lon, lat, accuracy })

describe('near', () => {
  test('metres are metres', () => {
    expect(metresToPoint({ lon: 122, lat: 41 }, { lon: 122, lat: 41 + LAT })).toBeCloseTo(100, 1)
    expect(metresToShape({ lon: 122.005, lat: 41 - LAT }, square)).toBeCloseTo(100, 0)
  })

  test('inside a grid nothing is missing, also in the second part of one in two parts', () => {
    expect(metresToShape({ lon: 122.005, lat: 41.005 }, square)).toBe(0)
    const two = { type: 'MultiPolygon' as const, coordinates: [[[[1, 1], [2, 1], [2, 2], [1, 1]]], square.coordinates] }
    expect(metresToShape({ lon: 122.005, lat: 41.005 }, two)).toBe(0)
  })

  test('a hole is outside', () => {
    const hole = [[122.004, 41.004], [122.006, 41.004], [122.006, 41.006], [122.004, 41.006], [122.004, 41.004]]
    expect(metresToShape({ lon: 122.005, lat: 41.005 }, { ...square, coordinates: [square.coordinates[0]!, hole] })).toBeGreaterThan(50)
  })

  test('the doubt of the phone helps as far as the plan reaches', () => {
    const point = { lon: 122, lat: 41 + 0.8 * LAT }
    expect(tooFar(at(122, 41, 10), 50, point, null)).toBe(80)
    expect(tooFar(at(122, 41, 40), 50, point, null)).toBe(0)
    expect(tooFar(at(122, 41, 5000), 20, point, null)).toBe(80)
    expect(tooFar(at(122, 41), 50, null, null)).toBe(0)
  })
})

describe('points of a plan', () => {
  test('one a line, Chinese commas too', () => {
    expect(pointsOf('泵房,122.99,41.11\n\n配电室，122.98，41.12')).toEqual({
      points: [
        { name: '泵房', position: { lon: 122.99, lat: 41.11, frame: 'wgs84' } },
        { name: '配电室', position: { lon: 122.98, lat: 41.12, frame: 'wgs84' } },
      ],
      wrong: 0,
    })
  })

  test('the bad line is named', () => {
    for (const bad of ['泵房', '泵房,x,41', ',1,2', '泵房,122.99,141', '泵房,1,2,3']) expect(pointsOf(`好,1,2\n${bad}`).wrong).toBe(2)
  })
})
