import { createApp } from 'vue'
import '@/kit/css/tokens.css'
import '@/kit/css/base.css'
import '@/kit/css/controls.css'
import '@/kit/elder'
import App from './App.vue'
import { router } from './router'
import { loadSettings } from './settings'
import { ready } from './words'

void loadSettings()
void ready().then(() => createApp(App).use(router).mount('#app'))
