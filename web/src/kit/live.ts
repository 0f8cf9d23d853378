/** Short messages that come and go, told to screen readers too. */
import { ref } from 'vue'

export const toast = ref('')
let timer: ReturnType<typeof setTimeout> | undefined

export function tell(words: string): void {
  toast.value = ''
  clearTimeout(timer)
  setTimeout(() => (toast.value = words))
  timer = setTimeout(() => (toast.value = ''), 6000)
}
