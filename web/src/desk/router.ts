/** Pages of the desk. What a list is filtered by stands in its address, so that it can be kept and sent on. */
import { createRouter, createWebHistory } from 'vue-router'
import AccountPage from './account/AccountPage.vue'
import WorkList from './list/WorkList.vue'

export const router = createRouter({
  history: createWebHistory('/desk'),
  routes: [
    { path: '/', component: WorkList },
    { path: '/case/:no', component: () => import('./case/CasePage.vue'), props: true },
    { path: '/new', component: () => import('./report/NewReport.vue') },
    { path: '/oversight', component: () => import('./oversight/OversightPage.vue') },
    { path: '/knowledge', component: () => import('./knowledge/KnowledgePage.vue') },
    { path: '/knowledge/:no', component: () => import('./knowledge/EntryPage.vue'), props: true },
    { path: '/posts', component: () => import('./posts/PostsPage.vue') },
    { path: '/account', component: AccountPage },
    { path: '/accounts', component: () => import('./admin/AccountsPage.vue') },
    { path: '/channels', component: () => import('./channels/ChannelsPage.vue') },
    { path: '/channels/:code', component: () => import('./channels/ChannelPage.vue'), props: true },
    { path: '/audit', component: () => import('./admin/AuditPage.vue') },
    { path: '/:rest(.*)*', component: () => import('./LostPage.vue') },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})
