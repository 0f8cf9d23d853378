import { createApp } from 'vue'
import './screen.css'
import App from './App.vue'
import { whoAmI } from './session'
import { ready } from './words'

void whoAmI()
void ready().then(() => createApp(App).mount('#app'))
