/** What the city has set: its name, its telephone, how many photos. Pages work before it has come. */
import { computed, ref } from 'vue'
import { get } from '@/client/http'
import type { Settings } from '@/client/types'
import { capital, say } from '@/kit/i18n'

export const settings = ref<Settings | null>(null)
export const hotline = computed(() => settings.value?.hotline ?? '12345')
export const city = computed(() => say(settings.value?.city))
export const maxPhotos = computed(() => settings.value?.max_photos ?? 6)

export async function loadSettings(): Promise<void> {
  if (settings.value) return
  settings.value = await get<Settings>('/api/public/settings').catch(() => null)
}

export function kindName(code: string | null): string {
  return capital(say(settings.value?.kinds.find((kind) => kind.code === code)?.label))
}
