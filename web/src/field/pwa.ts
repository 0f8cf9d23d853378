/** Installed and used without a net: the worker is registered, a new version asks before it takes over. */
import { ref, shallowRef } from 'vue'

interface InstallPrompt extends Event {
  prompt: () => Promise<unknown>
}

export const fresh = ref(false)
export const installer = shallowRef<InstallPrompt | null>(null)
let registration: ServiceWorkerRegistration | undefined
let asked = false

addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault()
  installer.value = event as InstallPrompt
})
addEventListener('appinstalled', () => (installer.value = null))

export async function register(): Promise<void> {
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) return
  navigator.serviceWorker.addEventListener('controllerchange', () => asked && location.reload())
  try {
    registration = await navigator.serviceWorker.register('/field/sw.js', { scope: '/field/' })
  } catch {
    return // no HTTPS, or switched off: the face works, but not without a net
  }
  const look = () => (fresh.value = Boolean(registration?.waiting && navigator.serviceWorker.controller))
  look()
  registration.addEventListener('updatefound', () => registration?.installing?.addEventListener('statechange', look))
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void registration?.update().catch(() => undefined)
  })
}

/** The worker of the new version takes over now, because somebody said so. */
export function takeOver(): void {
  asked = true
  registration?.waiting?.postMessage('take over')
}

export async function install(): Promise<void> {
  await installer.value?.prompt()
  installer.value = null
}
