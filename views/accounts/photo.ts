/** The fields for a photo: of the own profile, and of people an admin looks after. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { attributes, avatar, type Face, field, type Html } from '../parts.ts'

type PhotoProps = {
  /** Shown beside the field. */
  face?: Face | undefined
  /** There is one to remove. */
  isRemovable?: boolean | undefined
  isRemoved?: boolean | undefined
  error?: string | undefined
  optional?: string | undefined
}

/** A file field with its limits in words, and a box to tick that takes the photo away. */
export function photoFields(frame: Frame, p: PhotoProps): Html {
  const t = frame.t.profile
  const ticked = attributes({ checked: p.isRemoved })
  return html`<div class="photo-row">${p.face && avatar(p.face, 'large')}
${field({ name: 'photo', label: t.photo, type: 'file', accept: 'image/png,image/jpeg,image/webp', hint: t.photoHint, error: p.error, optional: p.optional })}</div>
${p.isRemovable && html`<p class="check"><label><input type="checkbox" name="removePhoto" value="yes"${ticked}> ${t.removePhoto}</label></p>`}`
}
