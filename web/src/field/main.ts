import { createApp } from 'vue'
import '@/kit/css/tokens.css'
import '@/kit/css/base.css'
import '@/kit/css/controls.css'
import '@/kit/elder'
import './field.css'
import App from './App.vue'
import { register } from './pwa'
import { begin } from './queue'
import { router } from './router'
import { ready } from './words'

void ready().then(async () => {
  await begin()
  createApp(App).use(router).mount('#app')
  void register()
})
