/** Pages of the phone. Everything is in the first load: a page that would have to be fetched is no page on a hill without a net. */
import { nextTick } from 'vue'
import { createRouter, createWebHistory } from 'vue-router'
import AreaPage from './pages/AreaPage.vue'
import CardPage from './pages/CardPage.vue'
import HomePage from './pages/HomePage.vue'
import PatrolPage from './pages/PatrolPage.vue'
import QueuePage from './pages/QueuePage.vue'
import ReportPage from './pages/ReportPage.vue'
import SettingsPage from './pages/SettingsPage.vue'
import SightingsPage from './pages/SightingsPage.vue'
import SignInPage from './pages/SignInPage.vue'
import TaskPage from './pages/TaskPage.vue'
import TasksPage from './pages/TasksPage.vue'
import { who } from './session'

export const router = createRouter({
  history: createWebHistory('/field/'),
  routes: [
    { path: '/', component: HomePage },
    { path: '/sign-in', component: SignInPage, meta: { open: true } },
    { path: '/report', component: ReportPage },
    { path: '/report/:id', component: ReportPage, props: true },
    { path: '/queue', component: QueuePage },
    { path: '/tasks', component: TasksPage },
    { path: '/tasks/:id', component: TaskPage, props: true },
    { path: '/sightings', component: SightingsPage },
    { path: '/area', component: AreaPage },
    { path: '/patrol', component: PatrolPage },
    { path: '/card', component: CardPage },
    { path: '/settings', component: SettingsPage },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

router.beforeEach((to) => who.value !== null || to.meta.open === true || '/sign-in')

router.afterEach(async (_to, from) => {
  if (!from.matched.length) return
  await nextTick()
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
})
