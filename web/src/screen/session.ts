/** Who looks at the wall. */
import { ref } from 'vue'
import { get, post, session } from '@/client/http'
import { asRefused } from '@/client/problem'

interface Me {
  username: string
  csrf: string
}

export const me = ref<Me | null>(null)
export const asked = ref(false)
export const fault = ref('')

export async function whoAmI(): Promise<void> {
  fault.value = ''
  try {
    me.value = await get<Me>('/api/me')
    session.csrf = me.value.csrf
  } catch (error) {
    const refused = asRefused(error)
    if (refused.status === 401) me.value = null
    else fault.value = refused.sentence
  } finally {
    asked.value = true
  }
}

export async function signIn(username: string, password: string, code?: string): Promise<void> {
  me.value = await post<Me>('/api/sign-in', { username, password, code: code || undefined })
  session.csrf = me.value.csrf
}

export async function signOut(): Promise<void> {
  await post('/api/sign-out').catch(() => undefined)
  location.reload()
}
