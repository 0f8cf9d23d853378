/** Small geometry for the map: the box round a shape, and a point that lies in it. */
import type { Feature, FeatureCollection, Position } from 'geojson'

export type Box = [number, number, number, number]

function rings(feature: Feature): Position[][] {
  const shape = feature.geometry
  if (shape.type === 'Polygon') return [shape.coordinates[0] ?? []]
  if (shape.type === 'MultiPolygon') return shape.coordinates.map((part) => part[0] ?? [])
  return []
}

export function box(features: Feature[]): Box {
  const found: Box = [180, 90, -180, -90]
  for (const [lon, lat] of features.flatMap(rings).flat() as [number, number][]) {
    found[0] = Math.min(found[0], lon)
    found[1] = Math.min(found[1], lat)
    found[2] = Math.max(found[2], lon)
    found[3] = Math.max(found[3], lat)
  }
  return found
}

/** Twice the signed area of a ring, and its centre of gravity. */
function gravity(ring: Position[]): { area: number; lon: number; lat: number } {
  let area = 0
  let lon = 0
  let lat = 0
  for (let index = 1; index < ring.length; index++) {
    const [ax, ay] = ring[index - 1] as [number, number]
    const [bx, by] = ring[index] as [number, number]
    const cross = ax * by - bx * ay
    area += cross
    lon += (ax + bx) * cross
    lat += (ay + by) * cross
  }
  return area ? { area: Math.abs(area), lon: lon / (3 * area), lat: lat / (3 * area) } : { area: 0, lon: ring[0]?.[0] ?? 0, lat: ring[0]?.[1] ?? 0 }
}

/** Where the name of an area stands: the centre of its largest part. */
export function middle(feature: Feature): [number, number] {
  const [largest] = rings(feature).map(gravity).sort((a, b) => b.area - a.area)
  return [largest?.lon ?? 0, largest?.lat ?? 0]
}

export const inside = (all: FeatureCollection, county: string | null): Feature[] =>
  all.features.filter((one) => !county || String(one.properties?.code).startsWith(county))
