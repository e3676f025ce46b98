/** What a push or an answer of htmx is made of: pieces with the place they go to (htmx 4, hx-partial and hx-upsert). */
import { html } from 'hono/html'
import type { Html } from './parts.ts'

/** Puts keyed children where their `data-seq` belongs, once each, whatever came before. */
export function upsert(target: string, children: Html | Html[], order: 'up' | 'down' = 'up'): Html {
  if (order === 'up') {
    return html`<hx-upsert hx-target="${target}" key="data-seq">${children}</hx-upsert>`
  }
  return html`<hx-upsert hx-target="${target}" key="data-seq" sort="desc">${children}</hx-upsert>`
}

/** Takes the place of whatever the selector finds; nothing happens where it finds nothing. */
export function replacement(target: string, element: Html): Html {
  return html`<hx-partial hx-target="${target}" hx-swap="outerHTML">${element}</hx-partial>`
}

/** Takes away what the selector finds. */
export function removal(target: string): Html {
  return html`<hx-partial hx-target="${target}" hx-swap="delete"></hx-partial>`
}
