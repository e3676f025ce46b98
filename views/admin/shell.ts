/** The shell of the admin area: navigation at the left, one screen at the right. */
import { html } from 'hono/html'
import { brand, type Frame, layout } from '../layout.ts'
import { type Html, type IconName, icon } from '../parts.ts'

type Place = 'users' | 'branches' | 'trace'

const PLACES: readonly { place: Place; href: string; icon: IconName }[] = [
  { place: 'users', href: '/admin/users', icon: 'users' },
  { place: 'branches', href: '/admin/branches', icon: 'network' },
  { place: 'trace', href: '/admin/trace', icon: 'search' },
]

/** A page of the admin area. */
export function adminPage(frame: Frame, page: { title: string; place: Place; body: Html }): string {
  const t = frame.t
  const body = html`<div class="admin-page">
<header class="admin-side">
<p class="brand">${brand()}<b>${frame.organisation}</b> <span>${t.common.branchName(frame.branch)}</span></p>
<nav aria-label="${t.admin.navigation}"><ul>
${PLACES.map((p) => html`<li><a href="${p.href}"${p.place === page.place && html` aria-current="page"`}>${icon(p.icon, frame)} <span>${t.admin[p.place]}</span></a></li>`)}
<li class="away"><a href="/chats">${icon('arrow-left', frame)} <span>${t.common.backToChats}</span></a></li>
</ul></nav>
</header>
<main id="main" class="admin-main">${page.body}</main>
</div>`
  return layout(frame, { title: page.title, page: 'admin', body })
}
