/** Who is signed in, and what happens when the session ends while somebody is writing. */
import { computed, ref } from 'vue'
import { get, post, session } from '@/client/http'
import { asRefused } from '@/client/problem'
import type { Me } from '@/client/types'

export const me = ref<Me | null>(null)
/** Asked the server yet? Until then neither sign-in nor desk is shown. */
export const asked = ref(false)
export const fault = ref('')
/** True while the page waits for its owner to sign in again. */
export const ended = ref(false)

let waiting: ((signedIn: boolean) => void)[] = []

function welcome(found: Me): void {
  me.value = found
  session.csrf = found.csrf
}

export async function whoAmI(): Promise<void> {
  fault.value = ''
  try {
    welcome(await get<Me>('/api/me'))
  } catch (error) {
    const refused = asRefused(error)
    if (refused.status !== 401) fault.value = refused.sentence
  } finally {
    asked.value = true
  }
}

export async function signIn(username: string, password: string, code?: string): Promise<void> {
  welcome(await post<Me>('/api/sign-in', { username, password, code: code || undefined }))
  ended.value = false
  waiting.forEach((go) => go(true))
  waiting = []
}

export async function signOut(): Promise<void> {
  await post('/api/sign-out').catch(() => undefined)
  // Everything of the last person leaves the page's memory.
  sessionStorage.clear()
  location.assign('/desk')
}

/** A call met the end of the session: ask to sign in again, above the page, and let the call be tried once more. */
session.renew = async (why) => {
  if (!me.value) return false
  if (why.code === 'auth.csrf') {
    const found = await get<Me>('/api/me').catch(() => null)
    if (found) welcome(found)
    return found !== null
  }
  ended.value = true
  return new Promise<boolean>((resolve) => waiting.push(resolve))
}

export const has = (...roles: string[]): boolean => me.value?.grants.some((grant) => roles.includes(grant.role)) ?? false

const ADMINS = ['system_admin', 'security_admin', 'audit_admin']
/** Somebody who only administers has no cases. */
export const hasCases = computed(() => me.value?.grants.some((grant) => !ADMINS.includes(grant.role)) ?? false)
/** Who writes down reports. */
export const receives = computed(() => has('agent', 'dispatcher'))
/** Who reads the knowledge base: everybody who works with people. */
export const reads = computed(() => has('agent', 'dispatcher', 'coordinator', 'handler', 'reviewer', 'caller', 'supervisor', 'grid_worker'))
/** Who looks after how others work. */
export const oversees = computed(() => has('supervisor', 'dispatcher', 'coordinator'))
/** Who sees the registry of channels. */
export const readsChannels = computed(() => has('system_admin', 'dispatcher', 'supervisor'))
/** Somebody of a centre, whose part of the work is an area and not an office. */
export const ofCentre = computed(() => has('agent', 'dispatcher', 'supervisor', 'coordinator', 'caller'))
export const home = computed(() => (hasCases.value ? '/' : has('security_admin') ? '/accounts' : has('audit_admin') ? '/audit' : has('system_admin') ? '/channels' : '/account'))
