import { createApp } from 'vue'
import 'element-plus/theme-chalk/base.css'
import '@/kit/css/tokens.css'
import '@/kit/css/base.css'
import './desk.css'
import App from './App.vue'
import { router } from './router'
import { whoAmI } from './session'
import { loadWords, ready } from './words'

void whoAmI()
void loadWords()
void ready().then(() => createApp(App).use(router).mount('#app'))
