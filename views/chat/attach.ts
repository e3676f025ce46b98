/** Sending files without a script, as text browsers do: a form of its own. */
import { html } from 'hono/html'
import { refusedType } from '../language/refused-type.ts'
import { byteWords } from '../language/times.ts'
import { type Frame, layout } from '../layout.ts'
import { formTokenField, type Html, icon, type Reader } from '../parts.ts'

type AttachProps = {
  chatId: string
  title: string
  /** Bytes; as the policy of the branch tells them. */
  limits: {
    sizeMax: number
    sizeMaxOf: readonly { branch: string; sizeMax: number }[]
    left: number | undefined
    /** Endings, and kinds as `kind:video`. */
    refused: readonly string[]
  }
  error?: string | undefined
}

/** A text browser has one file in each field. */
const FIELDS = [1, 2, 3]

/** The page. The token stands first: the server checks it before it takes a byte of a file. */
export function attachPage(frame: Frame, p: AttachProps): string {
  const t = frame.t.uploads
  const body = html`<main id="main" class="plain-page">
<p><a class="back-link" href="/chats/${p.chatId}">${icon('arrow-left', frame)} ${frame.t.common.back}</a></p>
<h1>${t.title(p.title)}</h1>
${p.error && html`<p class="error" role="alert">${p.error}</p>`}
<form method="post" enctype="multipart/form-data" action="/chats/${p.chatId}/attach" class="form">
${formTokenField(frame)}
<p><label for="body">${t.text}</label><br><input id="body" name="body" size="60"></p>
${FIELDS.map((n) => html`<p><label for="file-${n}">${t.choose}</label><br><input id="file-${n}" type="file" name="file" multiple></p>`)}
${limits(p.limits, frame)}
<p><button class="button primary">${t.send}</button></p>
</form>
</main>`
  return layout(frame, { title: t.title(p.title), page: 'attach', body })
}

function limits(
  { sizeMax, sizeMaxOf, left, refused }: AttachProps['limits'],
  reader: Reader,
): Html {
  const { uploads: t, language } = reader.t
  const size = (bytes: number) => byteWords(bytes, language, { isLimit: true })
  const smaller = sizeMaxOf.map((of) => html`<br>${t.smaller(of.branch, size(of.sizeMax))}`)
  const types = refused.map((rule) => refusedType(rule, t.kinds))
  return html`<p class="hint">${t.limit(size(sizeMax))}${smaller}${
    left !== undefined && html`<br>${t.left(size(left))}`
  }${types.length > 0 && html`<br>${t.refused(types.join(', '))}`}</p>`
}
