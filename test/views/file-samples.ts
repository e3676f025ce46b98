/** Views of files with every optional part, for tests that look at all views. */

import { attachPage } from '../../views/chat/attach.ts'
import { type AttachmentProps, attachments } from '../../views/chat/attachment.ts'
import { mediaPage, sharedPart } from '../../views/chat/media.ts'
import { viewerDialog, viewerPage } from '../../views/chat/viewer.ts'
import type { Frame } from '../../views/layout.ts'
import type { Html } from '../../views/parts.ts'

const TYPES = [
  ...['image/png', 'audio/mpeg', 'video/mp4', 'application/pdf', 'text/plain'],
  'application/zip',
]

/** One of each kind in each state; the ids differ, because a page has each once. */
export function fileSamples(frame: Frame, text: string): [string, Html | string][] {
  const now = frame.now
  const one = (type: string, id: string, more: Partial<AttachmentProps> = {}): AttachmentProps => ({
    ...{ id, name: text, type, size: 4_200_000, hasThumb: true, state: 'here', branch: text },
    ...(type.startsWith('image/') ? { width: 4000, height: 3000 } : {}),
    ...more,
  })
  const each = TYPES.map((type, n) => one(type, `${text}-${n}`))
  const states = (
    ['elsewhere', 'arriving', 'removed', 'checking', 'unchecked', 'infected'] as const
  ).flatMap((state) => TYPES.map((type, n) => one(type, `${text}-${state}-${n}`, { state })))
  const moving = TYPES.map((type, n) =>
    one(type, `${text}-moving-${n}`, { state: 'arriving', percent: 42, hasThumb: false }),
  )
  const by = { id: text, name: text, photo: null }
  const shared = [...each, ...moving].map((file) => ({ file, by, at: now }))
  const links = [{ href: text, host: text, by, at: now }]
  const page = { chatId: text, title: text, older: text }
  const limits = {
    ...{ sizeMax: 1e9, sizeMaxOf: [{ branch: text, sizeMax: 1e6 }], left: 5, refused: ['exe'] },
  }
  const around = { chatId: text, previous: text, next: text }
  const written = { words: `${text}\n${text}`, isCut: true, bytes: 65_536 }
  return [
    ['files', attachments([...each, ...each.map((f) => ({ ...f, id: `${f.id}-2` }))], frame.t)],
    ['files in every state', attachments([...states, ...moving], frame.t)],
    ['sending files', attachPage(frame, { chatId: text, title: text, limits, error: text })],
    ['shared part', sharedPart(text, each, frame)],
    ['media', mediaPage(frame, { ...page, kind: 'media', files: shared, links: [] })],
    ['links', mediaPage(frame, { ...page, kind: 'links', files: [], links })],
    [
      'no files',
      mediaPage(frame, { ...page, kind: 'files', files: [], links: [], older: undefined }),
    ],
    ...[...each, ...states.slice(0, 6)].flatMap((file): [string, Html | string][] => [
      [
        `view of ${file.type} ${file.state}`,
        viewerDialog({ file, ...around, text: written }, frame),
      ],
      [`page of ${file.type} ${file.state}`, viewerPage(frame, { file, ...around })],
    ]),
  ]
}
