/** The shell of the admin area: navigation at the left, one screen at the right. */
import { html } from 'hono/html'
import { brand, type Frame, layout } from '../layout.ts'
import { type Html, type IconName, icon } from '../parts.ts'

type Place = 'users' | 'branches' | 'trace' | 'rules' | 'files' | 'reports' | 'audit'

/** `right`: who sees the link, as accounts/rights.ts names it. */
const PLACES: readonly { place: Place; href: string; icon: IconName; right: string }[] = [
  { place: 'users', href: '/admin/users', icon: 'users', right: 'administration' },
  { place: 'branches', href: '/admin/branches', icon: 'network', right: 'administration' },
  { place: 'trace', href: '/admin/trace', icon: 'search', right: 'administration' },
  { place: 'rules', href: '/admin/rules', icon: 'settings', right: 'administration' },
  { place: 'files', href: '/admin/files', icon: 'paperclip', right: 'administration' },
  { place: 'reports', href: '/admin/reports', icon: 'flag', right: 'reports' },
  { place: 'audit', href: '/admin/audit', icon: 'shield', right: 'audit' },
]
/** A page of the admin area. */
export function adminPage(
  frame: Frame,
  page: { title: string; place: Place; body: Html; refreshSeconds?: number | undefined },
): string {
  const t = frame.t
  const places = PLACES.filter(({ right }) => frame.me?.rights.includes(right))
  const wordOf = (place: Place) => {
    if (place === 'audit' || place === 'rules') return t[place].title
    if (place === 'files') return t.fileAdmin.title
    if (place === 'reports') return t.contacts.reports.title
    return t.admin[place]
  }
  const body = html`<div class="admin-page">
<header class="admin-side">
<p class="brand">${brand()}<b>${frame.organisation}</b> <span>${t.common.branchName(frame.branch)}</span></p>
<nav aria-label="${t.admin.navigation}"><ul>
${places.map((p) => html`<li><a href="${p.href}"${p.place === page.place && html` aria-current="page"`}>${icon(p.icon, frame)} <span>${wordOf(p.place)}</span></a></li>`)}
<li class="away"><a href="/chats">${icon('arrow-left', frame)} <span>${t.common.backToChats}</span></a></li>
</ul></nav>
</header>
<main id="main" class="admin-main">${page.body}</main>
</div>`
  const { title, refreshSeconds } = page
  return layout(frame, { title, page: 'admin', body, refreshSeconds })
}
