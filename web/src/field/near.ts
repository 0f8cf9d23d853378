/** How far a position is from where it should be, told on the phone at once. What counts is judged by the server, in the same way. */
import type { Shape } from './answers'
import type { Position } from './position'

const METRES = 111_320 // a degree of latitude

type Place = { lon: number; lat: number }
type Flat = [number, number]

const flat = (from: Place) => ([lon, lat]: number[]): Flat => [(lon! - from.lon) * METRES * Math.cos((from.lat * Math.PI) / 180), (lat! - from.lat) * METRES]

/** From the origin to a straight line between two points. */
function toLine([ax, ay]: Flat, [bx, by]: Flat): number {
  const length = (bx - ax) ** 2 + (by - ay) ** 2
  const along = length ? Math.max(0, Math.min(1, -(ax * (bx - ax) + ay * (by - ay)) / length)) : 0
  return Math.hypot(ax + along * (bx - ax), ay + along * (by - ay))
}

/** Metres from a position to a boundary; 0 inside. */
export function metresToShape(from: Place, shape: Shape): number {
  const polygons = shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates
  let nearest = Infinity
  for (const rings of polygons) {
    let inside = false
    for (const ring of rings) {
      const points = ring.map(flat(from))
      for (let n = 1; n < points.length; n++) {
        const [a, b] = [points[n - 1]!, points[n]!]
        nearest = Math.min(nearest, toLine(a, b))
        if (a[1] > 0 !== b[1] > 0 && a[0] + (-a[1] / (b[1] - a[1])) * (b[0] - a[0]) > 0) inside = !inside
      }
    }
    if (inside) return 0
  }
  return nearest
}

export const metresToPoint = (from: Place, to: Place): number => Math.hypot(...flat(from)([to.lon, to.lat]))

/** Metres that are too many for a check-in to count; 0 when it counts. */
export function tooFar(at: Position, reach: number, point: Place | null, shape: Shape | null | undefined): number {
  if (!point && !shape) return 0
  const off = point ? metresToPoint(at, point) : metresToShape(at, shape!)
  return off <= (point ? reach : 0) + Math.min(at.accuracy, reach) ? 0 : Math.round(off)
}
