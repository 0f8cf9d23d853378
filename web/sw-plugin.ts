/**
 * What makes a face installable and usable without a net: a service worker that knows the files of this build, a manifest, icons.
 * The worker belongs to /field/ alone; it takes over only when the page asks it to.
 */
import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'
import type { Plugin } from 'vite'

interface Chunk {
  type: 'chunk'
  fileName: string
  isEntry: boolean
  name: string
  imports: string[]
  dynamicImports: string[]
  viteMetadata?: { importedCss: Set<string>; importedAssets: Set<string> }
}
interface Asset {
  type: 'asset'
  source: string | Uint8Array
}
type Bundle = Record<string, Chunk | Asset>

const NAME = 'field'
const ICONS = { 'icon-192.png': [192, 0], 'icon-512.png': [512, 0], 'icon-maskable-512.png': [512, 0.1] } as const

/** Everything that the face may ask for, found by walking its imports. */
function filesOf(bundle: Bundle): string[] {
  const found = new Set<string>()
  const walk = (fileName: string) => {
    const chunk = bundle[fileName]
    if (!chunk || chunk.type !== 'chunk' || found.has(fileName)) return
    found.add(fileName)
    chunk.viteMetadata?.importedCss.forEach((css) => found.add(css))
    chunk.viteMetadata?.importedAssets.forEach((asset) => found.add(asset))
    ;[...chunk.imports, ...chunk.dynamicImports].forEach(walk)
  }
  const entry = Object.values(bundle).find((chunk) => chunk.type === 'chunk' && chunk.isEntry && chunk.name === NAME)
  if (entry?.type === 'chunk') walk(entry.fileName)
  return [...found].sort()
}

const worker = (version: string, files: string[]) => `// Made by the build.
const CACHE = 'shiyu-${NAME}-${version}'
const PAGE = '/${NAME}/'
const FILES = ${JSON.stringify(files)}
const known = new Set(FILES)
self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'reload' })))))
})
self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('shiyu-${NAME}-') && name !== CACHE
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()))
})
self.addEventListener('message', (event) => {
  if (event.data === 'take over') self.skipWaiting()
})
self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== location.origin) return
  const wanted = event.request.mode === 'navigate' && url.pathname.startsWith(PAGE) ? PAGE : url.pathname
  if (known.has(wanted)) event.respondWith(caches.match(wanted, { cacheName: CACHE }).then((found) => found || fetch(event.request)))
})
`

const manifest = {
  id: '/field/',
  name: '鞍心通 · 网格端',
  short_name: '鞍心通',
  description: '网格员上报、任务、热力，没有网络也能用',
  lang: 'zh-CN',
  start_url: '/field/',
  scope: '/field/',
  display: 'standalone',
  orientation: 'portrait',
  background_color: '#f4f4f0',
  theme_color: '#0b3a50',
  icons: [
    { src: '/field/icon-192.png', sizes: '192x192', type: 'image/png' },
    { src: '/field/icon-512.png', sizes: '512x512', type: 'image/png' },
    { src: '/field/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
  ],
}

/** The house's mark, a grid with one cell filled, drawn pixel by pixel: no drawing program is needed to build. */
function icon(size: number, margin: number): Uint8Array {
  const ground = [0x0b, 0x3a, 0x50, 255]
  const line = [0x8f, 0xb3, 0xc2, 255]
  const fill = [255, 255, 255, 255]
  const from = 0.19 + margin
  const to = 1 - from
  const third = (to - from) / 3
  const near = (a: number, b: number) => Math.abs(a - b) < 0.022
  const colour = (x: number, y: number) => {
    const [a, b] = [from + third, to - third]
    if (x < from || x > to || y < from || y > to) return ground
    if (x > a && x < b && y > a && y < b) return fill
    return near(x, a) || near(x, b) || near(y, a) || near(y, b) ? line : ground
  }
  const raw = Buffer.alloc((size * 4 + 1) * size)
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) raw.set(colour((x + 0.5) / size, (y + 0.5) / size), y * (size * 4 + 1) + 1 + x * 4)
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(size, 0)
  head.writeUInt32BE(size, 4)
  head.set([8, 6, 0, 0, 0], 8)
  const piece = (kind: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(kind, 'latin1'), data])
    const out = Buffer.alloc(body.length + 8)
    out.writeUInt32BE(data.length, 0)
    out.set(body, 4)
    out.writeUInt32BE(crc32(body), body.length + 4)
    return out
  }
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10])
  return Buffer.concat([signature, piece('IHDR', head), piece('IDAT', deflateSync(raw)), piece('IEND', Buffer.alloc(0))])
}

export function installable(): Plugin {
  return {
    name: 'installable',
    apply: 'build',
    enforce: 'post',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, context) =>
        context.path.endsWith(`${NAME}.html`)
          ? [
              { tag: 'link', attrs: { rel: 'manifest', href: '/field/manifest.webmanifest' }, injectTo: 'head' },
              { tag: 'link', attrs: { rel: 'apple-touch-icon', href: '/field/icon-192.png' }, injectTo: 'head' },
            ]
          : [],
    },
    generateBundle: {
      order: 'post',
      handler(_options, given) {
        const bundle = given as unknown as Bundle
        const files = filesOf(bundle).map((file) => `/${file}`)
        if (!files.length) return
        const page = bundle[`${NAME}.html`]
        const html = page?.type === 'asset' ? page.source : ''
        const version = createHash('sha256').update(files.join('\n')).update(html).digest('hex').slice(0, 12)
        const all = ['/field/', '/field/manifest.webmanifest', '/field/icon-192.png', ...files]
        const emit = (fileName: string, source: string | Uint8Array) => this.emitFile({ type: 'asset', fileName, source })
        emit('field/sw.js', worker(version, all))
        emit('field/manifest.webmanifest', JSON.stringify(manifest))
        for (const [name, [size, margin]] of Object.entries(ICONS)) emit(`field/${name}`, icon(size, margin))
      },
    },
  }
}
