/** Every link and every form of the pages leads to a route that exists. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leadsSomewhere, linksOf, routesOf } from './routes.ts'
import { type Fault, parse, projectFiles, type Source, sample, told } from './source.ts'

function linkFaults(views: readonly Source[], server: readonly Source[]): Fault[] {
  const routes = routesOf(server)
  return views.flatMap((view) =>
    linksOf(view)
      .filter((link) => !leadsSomewhere(link, routes))
      .map(({ method, path, line }) => {
        const what = method === 'ANY' ? path : `${method} ${path}`
        return { path: view.path, line, reason: `${what} leads nowhere: no route answers it` }
      }),
  )
}

test('every link of the views leads to a route', () => {
  const views = parse(projectFiles(['views']))
  const faults = linkFaults(views, parse(projectFiles(['src'])))
  assert.deepEqual([...new Set(told(faults))], [])
  const links = views.flatMap((view) => linksOf(view))
  assert.ok(links.length > 30, 'the test reads the links: it must find most of them')
})

const SERVER = sample(
  'src/chat/routes.ts',
  `export function chatRoutes() {
  app.get('/chats/:id', page)
  app.post('/chats/:id/messages', post)
  app.get('/static/:file', file)
}
export function adminRoutes() {
  app.get('/users', page)
}
app.route('/', chatRoutes())
app.route('/admin', adminRoutes())`,
)

const faultsIn = (template: string) =>
  told(linkFaults(sample('views/a.ts', `const x = ${template}`), SERVER))

test('the link check lets routes with parameters, prefixes and constants pass', () => {
  const page = `(id) => { const base = \`/chats/\${id}\`
  return html\`<link href="/static/app.css"><a href="/chats/\${id}?before=\${id}#log">a</a>
<form method="post" action="\${base}/messages" hx-post="\${base}/messages"></form>
<a href="/admin/users">b</a><a href="#main">c</a><a href="\${given}">d</a>\` }`
  assert.deepEqual(faultsIn(page), [])
})

const refused: [what: string, template: string][] = [
  ['a misspelt link', 'html`<a href="/chat/1">`'],
  ['a form with the wrong method', 'html`<form action="/chats/1/messages">`'],
  ['a htmx address that is none', 'html`<p hx-post="/chats/1">`'],
  ['a route without its prefix', 'html`<a href="/users">`'],
  [
    'a constant that leads nowhere',
    '() => { const base = "/nowhere"; html`<a href="$' + '{base}">` }',
  ],
  ['an address in a value', '{ href: "/nowhere" }'],
  ['a stream that is none', 'html`<p hx-sse:connect="/events">`'],
]

for (const [what, template] of refused) {
  test(`the link check refuses ${what}`, () => {
    const faults = faultsIn(template)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.match(faults[0] ?? '', /leads nowhere/)
  })
}
