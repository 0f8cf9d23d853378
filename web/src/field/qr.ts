/**
 * 二维码 — a text as a QR code (ISO/IEC 18004), in the phone itself, so that a work card is shown without a net.
 *
 * Only what a link needs: bytes, error correction level M, versions 1 to 6 (106 bytes). True is a dark module.
 */

/** Of each version: error correction bytes of a block, and the data bytes of its blocks. All blocks of a version are equally long. */
const VERSIONS = [
  { check: 10, blocks: 1, data: 16 },
  { check: 16, blocks: 1, data: 28 },
  { check: 26, blocks: 1, data: 44 },
  { check: 18, blocks: 2, data: 32 },
  { check: 24, blocks: 2, data: 43 },
  { check: 16, blocks: 4, data: 27 },
] as const
const LEVEL_M = 0b00

const MASKS: ((row: number, column: number) => boolean)[] = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (_, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
]

// The field GF(256) with the polynomial of the standard, as powers of two and their logarithms.
const power: number[] = []
const log: number[] = []
for (let n = 0, value = 1; n < 255; n++) {
  power.push(value)
  log[value] = n
  value = value & 128 ? (value << 1) ^ 0x11d : value << 1
}
const times = (a: number, b: number): number => (a && b ? power[(log[a]! + log[b]!) % 255]! : 0)

/** The check bytes of a block: what is left of it after division by the generator of that degree (Reed–Solomon). */
function check(data: number[], degree: number): number[] {
  let generator = [1]
  for (let n = 0; n < degree; n++) {
    const next = [...generator, 0]
    generator.forEach((value, at) => (next[at + 1]! ^= times(value, power[n]!)))
    generator = next
  }
  const rest = [...data, ...Array<number>(degree).fill(0)]
  data.forEach((_, at) => {
    const factor = rest[at]!
    generator.forEach((value, more) => (rest[at + more]! ^= times(value, factor)))
  })
  return rest.slice(data.length)
}

/** All bytes in the order in which they are drawn: the blocks interleaved, the data first. */
function bytesOf(text: string): { version: number; bytes: number[] } {
  const said = [...new TextEncoder().encode(text)]
  const version = VERSIONS.findIndex((one) => one.blocks * one.data >= said.length + 2) + 1
  const shape = VERSIONS[version - 1]
  if (!shape) throw new RangeError('too long for a QR code of version 6')
  // 0100 (bytes), the count in 8 bits, the bytes, 0000: everything is shifted by half a byte.
  const half = [4, said.length >> 4, said.length & 15, ...said.flatMap((one) => [one >> 4, one & 15]), 0]
  const data = Array.from({ length: half.length / 2 }, (_, n) => (half[2 * n]! << 4) | half[2 * n + 1]!)
  for (let n = 0; data.length < shape.blocks * shape.data; n++) data.push(n % 2 ? 0x11 : 0xec)
  const blocks = Array.from({ length: shape.blocks }, (_, n) => data.slice(n * shape.data, (n + 1) * shape.data))
  const checks = blocks.map((block) => check(block, shape.check))
  const woven = (rows: number[][]) => rows[0]!.flatMap((_, at) => rows.map((row) => row[at]!))
  return { version, bytes: [...woven(blocks), ...woven(checks)] }
}

type Grid = (boolean | null)[][]

/** Finders, separators, timing, alignment; the places of the format are taken, null is free for data. */
function frame(version: number): Grid {
  const size = 17 + 4 * version
  const grid: Grid = Array.from({ length: size }, () => Array<boolean | null>(size).fill(null))
  const square = (row: number, column: number, reach: number, dark: (ring: number) => boolean) => {
    for (let r = -reach; r <= reach; r++)
      for (let c = -reach; c <= reach; c++)
        if (grid[row + r]?.[column + c] !== undefined) grid[row + r]![column + c] = dark(Math.max(Math.abs(r), Math.abs(c)))
  }
  for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]] as const) square(row, column, 4, (ring) => ring < 2 || ring === 3)
  if (version > 1) square(size - 7, size - 7, 2, (ring) => ring !== 1)
  for (let n = 8; n < size - 8; n++) grid[6]![n] = grid[n]![6] = n % 2 === 0
  for (const [row, column] of formatPlaces(size).flat()) grid[row]![column] = false
  grid[size - 8]![8] = true
  return grid
}

/** The two places of each of the 15 bits of the format, the highest bit first. */
function formatPlaces(size: number): [number, number][][] {
  const first = [0, 1, 2, 3, 4, 5, 7, 8].map((c): [number, number] => [8, c])
  const rest = [7, 5, 4, 3, 2, 1, 0].map((r): [number, number] => [r, 8])
  const second = Array.from({ length: 7 }, (_, n): [number, number] => [size - 1 - n, 8])
  const third = Array.from({ length: 8 }, (_, n): [number, number] => [8, size - 8 + n])
  const [near, far] = [[...first, ...rest], [...second, ...third]]
  return near.map((place, n) => [place, far[n]!])
}

function format(mask: number): number {
  const word = (LEVEL_M << 3) | mask
  let rest = word << 10
  for (let bit = 14; bit >= 10; bit--) if (rest & (1 << bit)) rest ^= 0x537 << (bit - 10)
  return ((word << 10) | rest) ^ 0x5412
}

/** How hard a drawing is to read: runs of one colour, squares, what looks like a finder, and more of one colour than of the other. */
function penalty(grid: boolean[][]): number {
  const size = grid.length
  const lines = [...grid, ...grid[0]!.map((_, column) => grid.map((row) => row[column]!))].map((line) => line.map(Number).join(''))
  let sum = 0
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2
    sum += 40 * (line.match(/(?=10111010000|00001011101)/g) ?? []).length
  }
  for (let r = 1; r < size; r++)
    for (let c = 1; c < size; c++)
      if (grid[r]![c] === grid[r - 1]![c] && grid[r]![c] === grid[r]![c - 1] && grid[r]![c] === grid[r - 1]![c - 1]) sum += 3
  const dark = grid.flat().filter(Boolean).length / size ** 2
  return sum + 10 * Math.floor(Math.abs(dark * 100 - 50) / 5)
}

function draw(free: Grid, bytes: number[], mask: number): boolean[][] {
  const size = free.length
  const grid = free.map((row) => [...row])
  let at = 0
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right = 5
    for (let step = 0; step < size; step++) {
      const row = up ? size - 1 - step : step
      for (const column of [right, right - 1]) {
        if (free[row]![column] !== null) continue
        const bit = ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1
        grid[row]![column] = (bit === 1) !== MASKS[mask]!(row, column)
        at++
      }
    }
  }
  const word = format(mask)
  formatPlaces(size).forEach((places, n) => places.forEach(([row, column]) => (grid[row]![column] = ((word >> (14 - n)) & 1) === 1)))
  return grid as boolean[][]
}

/** The code of a text, without its quiet border of four modules. RangeError when it has more than 106 bytes. */
export function qr(text: string): boolean[][] {
  const { version, bytes } = bytesOf(text)
  const free = frame(version)
  const drawn = MASKS.map((_, mask) => draw(free, bytes, mask))
  const scores = drawn.map(penalty)
  return drawn[scores.indexOf(Math.min(...scores))]!
}

/** The dark modules as one SVG path in a box of size + 8, the border included. */
export function qrPath(modules: boolean[][]): string {
  return modules.flatMap((row, r) => row.map((dark, c) => (dark ? `M${c + 4} ${r + 4}h1v1h-1z` : ''))).join('')
}
