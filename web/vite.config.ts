import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import components from 'unplugin-vue-components/vite'
import type { ViteDevServer } from 'vite'
import { defineConfig } from 'vitest/config'
import { installable } from './sw-plugin'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Every HTML file beside this one is a face. */
const faces = Object.fromEntries(
  readdirSync(here)
    .filter((name) => name.endsWith('.html'))
    .map((name) => [name.replace('.html', ''), here + name]),
)

/** While developing: addresses of pages lead to the face that knows them, as the server does it. */
const pages = {
  name: 'pages',
  configureServer(server: ViteDevServer) {
    server.middlewares.use((request, _answer, next) => {
      const path = (request.url ?? '/').split('?')[0]!
      const isFile = /^\/(@|src\/|node_modules\/|api\/)/.test(path) || /\.\w+$/.test(path)
      if (!isFile) {
        const face = path.split('/')[1]!
        request.url = face in faces ? `/${face}.html` : '/citizen.html'
      }
      next()
    })
  },
}

export default defineConfig({
  root: here,
  resolve: { alias: { '@': here + 'src' } },
  plugins: [
    vue(),
    pages,
    installable(),
    // Element Plus, by parts, for the staff faces only: nothing else names an El… component.
    components({ dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })], dts: false }),
  ],
  build: {
    outDir: here + '../shiyu/static',
    emptyOutDir: true,
    // Browsers of city offices and of old telephones are some years behind.
    target: 'es2020',
    cssTarget: 'chrome80',
    assetsInlineLimit: 2048,
    chunkSizeWarningLimit: 1200,
    rolldownOptions: { input: faces },
  },
  server: {
    port: 5173,
    proxy: { '/api': { target: process.env.SHIYU_API ?? 'http://127.0.0.1:8000' } },
  },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'] },
})
