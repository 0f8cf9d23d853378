/** 长辈版 — larger type and targets, stronger contrast. One attribute on the root; remembered. */
import { ref, watchEffect } from 'vue'
import { remember, remembered } from './store'

const KEY = 'shiyu.elder'
export const elder = ref(remembered<boolean>(KEY) === true)

watchEffect(() => {
  document.documentElement.toggleAttribute('data-elder', elder.value)
  remember(KEY, elder.value || null)
})
