/** Who works with this phone. Known also without a net; the end of a session stops only the sending, never the work. */
import { ref, shallowRef } from 'vue'
import { get, post, session } from '@/client/http'
import { asRefused } from '@/client/problem'
import type { Me } from '@/client/types'
import { remember, remembered } from '@/kit/store'
import { forgetAbout } from './store'

export interface Who {
  id: string
  username: string
  name: string
}

const WHO = 'shiyu.field.who'
const LAST = 'shiyu.field.username'

export const who = shallowRef<Who | null>(remembered<Who>(WHO))
export const lastUsername = (): string => remembered<string>(LAST) ?? ''
/** The server wants to be signed in to again before it takes more. */
export const ended = ref(false)

function welcome(me: Me): void {
  session.csrf = me.csrf
  ended.value = false
  who.value = { id: me.id, username: me.username, name: me.name }
  remember(WHO, who.value)
  remember(LAST, me.username)
}

/** Ask the server who we are; true when it knows. Somebody else's session is not taken for ours. */
export async function greet(): Promise<boolean> {
  try {
    const me = await get<Me>('/api/me')
    if (who.value && who.value.id !== me.id) {
      ended.value = true
      return false
    }
    welcome(me)
    return true
  } catch (error) {
    if (asRefused(error).status === 401) ended.value = true
    return false
  }
}

export async function signIn(username: string, password: string, code?: string): Promise<void> {
  welcome(await post<Me>('/api/sign-in', { username, password, code: code || undefined }))
}

/** The queue stays on the phone and is sent when its owner signs in again. */
export async function signOut(): Promise<void> {
  await post('/api/sign-out').catch(() => undefined)
  if (who.value) await forgetAbout(who.value.id).catch(() => undefined)
  session.csrf = ''
  who.value = null
  remember(WHO, null)
}

session.renew = async (why) => {
  if (why.code === 'auth.csrf') return greet()
  ended.value = true
  return false
}
