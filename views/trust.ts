/** How to trust this server: the fingerprint to compare, the root to download, what to do with it on each system. */
import { html } from 'hono/html'
import { cardPage, type Frame } from './layout.ts'
import type { Html } from './parts.ts'

type TrustProps = {
  kind: 'temporary' | 'organisation'
  /** SHA-256 in groups, of the root or of the temporary certificate. */
  fingerprint: string
  /** The page itself came by plain HTTP. */
  isPlain: boolean
}

const CHECK_COMMANDS =
  'certutil -hashfile branchline-root.crt SHA256\nsha256sum branchline-root.crt'
const LINUX_COMMANDS =
  'sudo cp branchline-root.pem /usr/local/share/ca-certificates/branchline-root.crt\nsudo update-ca-certificates'
const MACOS_COMMAND =
  'sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain branchline-root.crt'

/** The page `/trust`. */
export function trustPage(frame: Frame, p: TrustProps): string {
  const t = frame.t.trust
  const body = html`<h1>${t.title}</h1>
<p>${t.text}</p>
${p.kind === 'temporary' && html`<p class="hint">${t.temporary}</p>`}
${p.isPlain && html`<p class="problem" role="alert">${t.plain}</p>`}
<h2>${t.fingerprint}</h2>
<p><code class="fingerprint">${p.fingerprint}</code></p>
<p>${t.compare}</p>
${p.kind === 'organisation' && installing(frame)}`
  return cardPage(frame, { title: t.title, page: 'trust', body, wide: true })
}

function installing(frame: Frame): Html {
  const t = frame.t.trust
  const systems: [name: string, steps: readonly string[], command?: string][] = [
    [`Windows, ${t.allComputers}`, t.windowsPolicy, 'gpupdate /force'],
    [`Windows, ${t.oneComputer}`, t.windows, 'certutil -addstore -f Root branchline-root.crt'],
    ['Linux', t.linux, LINUX_COMMANDS],
    ['macOS', t.macos, MACOS_COMMAND],
    ['Firefox', t.firefox],
    ['Android', t.android],
    ['iOS', t.ios],
  ]
  return html`<p class="actions"><a class="button primary" href="/trust/root.crt">${t.download}</a>
<a class="button" href="/trust/root.pem">${t.downloadPem}</a></p>
<p>${t.checkFile}</p>
<pre>${CHECK_COMMANDS}</pre>
<h2>${t.how}</h2>
${systems.map(
  ([name, steps, command]) => html`<details><summary>${name}</summary>
<ol>${steps.map((step) => html`<li>${step}</li>`)}</ol>
${command && html`<pre>${command}</pre>`}</details>
`,
)}`
}
