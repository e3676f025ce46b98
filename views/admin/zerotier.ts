/** What the ZeroTier service of this server says of itself: a part of the page of branches. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import type { Html } from '../parts.ts'

type Network = { id: string; name: string; status: string; device: string; addresses: string[] }
type Peer = {
  address: string
  path: string | undefined
  heardMs: number | undefined
  latencyMs: number | undefined
}

export type ZeroTierProps =
  | {
      kind: 'answers'
      address: string
      version: string
      isOnline: boolean
      networks: readonly Network[]
      peers: readonly Peer[]
    }
  | { kind: 'away'; reason: 'not-running' | 'wrong-token' | 'silent' | 'other-answer' }

/** The section; without a token there is none. */
export function zeroTierSection(frame: Frame, state: ZeroTierProps): Html {
  const t = frame.t.network
  const inner = state.kind === 'away' ? html`<p>${t.away[state.reason]}</p>` : answers(frame, state)
  return html`<section class="card" id="zerotier"><h2>${t.title}</h2>${inner}</section>`
}

function answers(frame: Frame, of: Extract<ZeroTierProps, { kind: 'answers' }>): Html {
  const t = frame.t.network
  return html`<p>${t.node(of.address, of.version)} ${of.isOnline ? t.online : t.offline}</p>
<p class="hint">${t.text}</p>
${of.networks.length === 0 ? html`<p>${t.noNetwork}</p>` : networksTable(frame, of.networks)}
${of.peers.length > 0 && peersTable(frame, of.peers)}`
}

function networksTable(frame: Frame, networks: readonly Network[]): Html {
  const t = frame.t.network
  const row = (
    n: Network,
  ) => html`<tr><th scope="row">${n.name} <span class="sub">${n.id}</span></th>
<td><span class="state ${n.status === 'OK' ? 'ok' : 'wait'}">${statusText(t, n.status)}</span></td>
<td>${n.device}</td><td>${n.addresses.length === 0 ? t.noAddress : n.addresses.join(', ')}</td></tr>`
  const heads = [t.network, t.status, t.device, t.addresses]
  return table(t.network, heads, networks.map(row))
}

function peersTable(frame: Frame, peers: readonly Peer[]): Html {
  const t = frame.t.network
  const row = (p: Peer) => html`<tr><th scope="row">${p.address}</th><td>${p.path ?? t.relayed}</td>
<td>${p.heardMs !== undefined && t.ago(Math.round(p.heardMs / 1000))}</td>
<td>${p.latencyMs !== undefined && `${p.latencyMs} ms`}</td></tr>`
  return html`<h3>${t.peers}</h3>${table(t.peers, [t.peer, t.path, t.heard, t.latency], peers.map(row))}`
}

function table(label: string, heads: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="table" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`
}

/** A status of a later version stands there as ZeroTier calls it. */
function statusText(t: Frame['t']['network'], status: string): string {
  const statuses: Record<string, string> = t.statuses
  return (Object.hasOwn(statuses, status) ? statuses[status] : undefined) ?? status
}
