/** The report being written: kept in this tab, survives a reload, gone with the browser. */
import { computed, reactive, toRaw, watch } from 'vue'
import type { Named, Reported, Runner } from '@/client/types'
import { remember, remembered, uuid } from '@/kit/store'
import type { Photo } from '@/kit/ui/PhotoPicker.vue'

export const TEXT_LEAST = 5
export const TEXT_MOST = 5000
export const ADDRESS_MOST = 200

export type Identity = 'named' | 'confidential' | 'anonymous'

export interface Draft {
  /** Made once for a report: sent twice, it is still one case. */
  key: string
  text: string
  kind: string | null
  matter: Named | null
  runners: Runner[]
  /** The person has chosen the matter or the kind; suggestions no longer overwrite it. */
  corrected: boolean
  photos: Photo[]
  address: string
  position: { lon: number; lat: number; accuracy?: number } | null
  placeLabel: string
  identity: Identity
  name: string
  phone: string
}

const KEY = 'shiyu.draft'
const DONE = 'shiyu.done'

const blank = (): Draft => ({
  key: uuid(),
  text: '',
  kind: null,
  matter: null,
  runners: [],
  corrected: false,
  photos: [],
  address: '',
  position: null,
  placeLabel: '',
  identity: 'named',
  name: '',
  phone: '',
})

export const draft = reactive<Draft>({ ...blank(), ...remembered<Draft>(KEY, 'session') })
watch(draft, () => remember(KEY, toRaw(draft), 'session'), { deep: true })

export const begun = computed(() => draft.text.trim() !== '' || draft.photos.length > 0)

export function startAgain(): void {
  Object.assign(draft, blank())
}

/** What goes to the server. */
export function wire(of: Draft): Record<string, unknown> {
  const known = of.identity !== 'anonymous'
  return {
    key: of.key,
    text: of.text.trim(),
    // What was only suggested is judged again with all that was said; what the person chose stands.
    kind: of.corrected ? (of.kind ?? undefined) : undefined,
    matter: of.corrected ? of.matter?.code : undefined,
    address: of.address.trim() || undefined,
    position: of.position ? { ...of.position, frame: 'wgs84' } : undefined,
    name: known ? of.name.trim() || undefined : undefined,
    phone: known ? of.phone.replace(/[\s-]/g, '') || undefined : undefined,
    anonymous: !known,
    confidential: of.identity === 'confidential',
    files: of.photos.map((photo) => photo.id),
  }
}

/** A mobile of eleven digits, or a landline with its area code. */
export function isPhone(text: string): boolean {
  return /^(?:\+?86)?(?:1[3-9]\d{9}|0\d{2,3}\d{7,8})$/.test(text.replace(/[\s-]/g, ''))
}

/** The receipt, so that a reload of the confirmation shows it again. */
export const receipt = {
  keep: (report: Reported) => remember(DONE, report, 'session'),
  read: () => remembered<Reported>(DONE, 'session'),
}
