/** Points of a plan out of lines "name,longitude,latitude" in WGS-84 degrees; `wrong` is the number of the first bad line, or 0. */
export interface PointIn {
  name: string
  position: { lon: number; lat: number; frame: 'wgs84' }
}

export function pointsOf(text: string): { points: PointIn[]; wrong: number } {
  const points: PointIn[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.trim()) continue
    const [name, lon, lat, ...more] = line.split(/[,，]/).map((part) => part.trim())
    const position = { lon: Number(lon), lat: Number(lat), frame: 'wgs84' as const }
    if (!name || !lon || !lat || more.length || !(Math.abs(position.lon) <= 180) || !(Math.abs(position.lat) <= 90)) return { points: [], wrong: index + 1 }
    points.push({ name, position })
  }
  return { points, wrong: 0 }
}
