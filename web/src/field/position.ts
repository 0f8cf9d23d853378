/** Where the phone is, as exactly as it gets within half a minute; the best reading is kept and its accuracy shown. */
import { onBeforeUnmount, ref, shallowRef } from 'vue'

export interface Position {
  lon: number
  lat: number
  accuracy: number
}
export type Seeking = 'off' | 'asking' | 'found' | 'denied' | 'failed'

const GOOD = 15 // metres
const PATIENCE = 30_000

export function usePosition(start: Position | null) {
  const best = shallowRef<Position | null>(start)
  const state = ref<Seeking>(start ? 'found' : 'off')
  const seeking = ref(false)
  let watch: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function stop() {
    if (watch !== undefined) navigator.geolocation.clearWatch(watch)
    watch = undefined
    seeking.value = false
    clearTimeout(timer)
  }

  function seek() {
    stop()
    if (!('geolocation' in navigator)) {
      state.value = 'failed'
      return
    }
    best.value = null
    state.value = 'asking'
    seeking.value = true
    watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        const found = { lon: coords.longitude, lat: coords.latitude, accuracy: Math.round(coords.accuracy * 10) / 10 }
        if (!best.value || found.accuracy <= best.value.accuracy) best.value = found
        state.value = 'found'
        if (found.accuracy <= GOOD) stop()
      },
      (error) => {
        if (best.value) return
        state.value = error.code === error.PERMISSION_DENIED ? 'denied' : 'failed'
        if (error.code === error.PERMISSION_DENIED) stop()
      },
      { enableHighAccuracy: true, maximumAge: 0, timeout: 20_000 },
    )
    timer = setTimeout(() => {
      stop()
      if (!best.value && state.value === 'asking') state.value = 'failed'
    }, PATIENCE)
  }

  function clear() {
    stop()
    best.value = null
    state.value = 'off'
  }

  onBeforeUnmount(stop)
  return { best, state, seeking, seek, clear }
}
