/** Pages of the citizen's face. The code of a case travels behind the "#" only: so it never reaches a server's log. */
import { nextTick } from 'vue'
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import CasePage from './CasePage.vue'
import { draft, TEXT_LEAST } from './draft'
import HomePage from './HomePage.vue'
import LostPage from './LostPage.vue'
import CheckStep from './steps/CheckStep.vue'
import DonePage from './steps/DonePage.vue'
import PhotosStep from './steps/PhotosStep.vue'
import WhatStep from './steps/WhatStep.vue'
import WhereStep from './steps/WhereStep.vue'
import WhoStep from './steps/WhoStep.vue'
import TrackPage from './TrackPage.vue'

/** A later step without a first one leads back to the first. */
const begun = () => draft.text.trim().length >= TEXT_LEAST || '/report'

const routes: RouteRecordRaw[] = [
  { path: '/', component: HomePage },
  { path: '/report', component: WhatStep },
  { path: '/report/photos', component: PhotosStep, beforeEnter: begun },
  { path: '/report/where', component: WhereStep, beforeEnter: begun },
  { path: '/report/who', component: WhoStep, beforeEnter: begun },
  { path: '/report/check', component: CheckStep, beforeEnter: begun },
  { path: '/report/done', component: DonePage },
  { path: '/track', component: TrackPage },
  { path: '/case/:no', component: CasePage, props: true },
  { path: '/grid', component: () => import('./grid/MyGridPage.vue') },
  { path: '/card/:card', component: () => import('./grid/CardCheckPage.vue'), props: true },
  { path: '/privacy', component: () => import('./PrivacyPage.vue') },
  { path: '/accessibility', component: () => import('./AccessPage.vue') },
  { path: '/:rest(.*)*', component: LostPage },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

/** A new page is announced by its heading: screen readers hear it, the keyboard goes on from there. */
router.afterEach(async (_to, from) => {
  if (!from.matched.length) return
  await nextTick()
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
})
