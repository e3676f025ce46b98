/**
 * A small map of the branches and the links between them, drawn on the server. It shows nothing that the table
 * below it does not say in words. Colours come from the style sheet by class; there are no inline styles.
 */
import { html } from 'hono/html'
import type { Html, Reader } from '../parts.ts'

export type LinkState = 'up' | 'down'

type MapBranch = { id: string; name: string; isSelf: boolean }
export type MapLink = { from: string; to: string; state: LinkState }

type Point = { x: number; y: number }

const WIDTH = 640
const HEIGHT = 260
const HEIGHT_OF_TWO = 112 // two towns are one line
const SIDE = 200 // from the middle to the outermost; its name has the rest, in the letters of phones too
const NAME_CHARS_MAX = 16 // fits beside its neighbours on the ring

/** The map: this branch in the middle of a line of two, else all on a ring with this one at the left. */
export function branchMap(
  branches: readonly MapBranch[],
  links: readonly MapLink[],
  reader: Pick<Reader, 't'>,
): Html {
  const t = reader.t.admin
  const height = branches.length <= 2 ? HEIGHT_OF_TWO : HEIGHT
  const places = new Map(branches.map((b, i) => [b.id, placeOf(i, branches.length, height)]))
  const others = links.length
  const up = links.filter((l) => l.state === 'up').length
  return html`<figure class="map"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${t.map}. ${t.mapText(up, others)}">
${links.map((l) => wire(l, places))}${branches.map((b) => html`${town(b, places.get(b.id))} `)}</svg>
<figcaption>${t.mapText(up, others)}</figcaption></figure>`
}

function placeOf(index: number, count: number, height: number): Point {
  const angle = Math.PI + (2 * Math.PI * index) / Math.max(count, 1)
  const radius = count === 1 ? 0 : 1
  return {
    x: Math.round(WIDTH / 2 + Math.cos(angle) * SIDE * radius),
    y: Math.round(height / 2 - 8 + Math.sin(angle) * 88 * radius),
  }
}

function wire(l: MapLink, places: Map<string, Point>): Html {
  const from = places.get(l.from)
  const to = places.get(l.to)
  if (!from || !to) return html``
  return html`<line class="wire ${l.state}" x1="${from.x}" y1="${from.y}" x2="${to.x}" y2="${to.y}"></line>`
}

function town(b: MapBranch, p: Point | undefined): Html {
  if (!p) return html``
  const letters = [...b.name]
  const name =
    letters.length > NAME_CHARS_MAX ? `${letters.slice(0, NAME_CHARS_MAX - 1).join('')}…` : b.name
  return html`<circle class="town${b.isSelf && ' self'}" cx="${p.x}" cy="${p.y}" r="${b.isSelf ? 13 : 10}"></circle><text class="town-name" x="${p.x}" y="${p.y + 32}" text-anchor="middle">${name}</text>`
}
