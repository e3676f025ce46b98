/** The menu of a chat: what its reader can do with it for himself. Links and one form; overlays with a script. */
import { html } from 'hono/html'
import { formTokenField, type Html, type IconName, icon, type Reader } from '../parts.ts'

/** `contact` is absent in groups. */
export type ChatMenuProps = { contact?: { isBlocked: boolean } | undefined }

/** The last part of the details. */
export function chatMenu(chatId: string, { contact }: ChatMenuProps, reader: Reader): Html {
  const t = reader.t.contacts
  const base = `/chats/${chatId}`
  return html`<h2 class="part-title">${t.menu}</h2>
<ul class="chat-menu">
${link(`${base}/report`, { name: 'flag', text: t.report }, reader)}
<li><a href="${base}/export" download>${icon('download', reader)} <span>${t.export}</span></a></li>
${overlay(`${base}/clear`, { name: 'eraser', text: t.clear }, reader)}
${contact && overlay(`${base}/delete`, { name: 'user-minus', text: t.remove }, reader)}
${contact && (contact.isBlocked ? unblock(base, reader) : overlay(`${base}/block`, { name: 'ban', text: t.block }, reader))}
</ul>`
}

type Entry = { name: IconName; text: string }

function link(href: string, { name, text }: Entry, reader: Reader): Html {
  return html`<li><a href="${href}">${icon(name, reader)} <span>${text}</span></a></li>`
}

function overlay(href: string, { name, text }: Entry, reader: Reader): Html {
  return html`<li><a href="${href}" hx-get="${href}" hx-target="#overlay">${icon(name, reader)} <span>${text}</span></a></li>`
}

function unblock(base: string, reader: Reader): Html {
  return html`<li><form method="post" action="${base}/unblock">${formTokenField(reader)}<button>${icon('circle-check', reader)} <span>${reader.t.contacts.unblock}</span></button></form></li>`
}
