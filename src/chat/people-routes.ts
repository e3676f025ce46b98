/** Finding people and founding groups: overlays with a script, pages without. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { type AddPersonProps, addPersonDialog, addPersonPage } from '../../views/chat/add-person.ts'
import { type NewGroupProps, newGroupDialog, newGroupPage } from '../../views/chat/new-group.ts'
import { problemText } from '../../views/language/words.ts'
import { directoryPage } from '../accounts/directory.ts'
import { asWeb, type SignedIn } from '../accounts/guard.ts'
import { ERASED_NAME } from '../base/erased.ts'
import { AppError } from '../base/errors.ts'
import { asUserId } from '../base/ids.ts'
import { list, readForm, readQuery } from '../web/form.ts'
import { addContact } from './actions.ts'
import { blockersOf } from './contacts.ts'
import { createGroup } from './groups.ts'
import { UNTOLD } from './line.ts'
import { contactsOf } from './members.ts'
import type { Viewer } from './queries.ts'
import { type ChatRoutesParts, viewerOf } from './routes.ts'

/** More would have to be scrolled: another letter is quicker. */
const MATCHES_MAX = 20

const findSchema = v.object({ q: v.optional(v.pipe(v.string(), v.maxLength(100)), '') })
const addSchema = v.object({ user: v.pipe(v.string(), v.transform(asUserId)) })
const groupSchema = v.object({ title: v.optional(v.string(), ''), members: list })

type C = Context<SignedIn>

/** Routes of `/people/add` and `/chats/new-group`; mount them before those of `/chats/:id`. */
export function peopleRoutes(parts: ChatRoutesParts): Hono<SignedIn> {
  const app = new Hono<SignedIn>()

  app.get('/people/add', async (c) => {
    const { q } = readQuery(c, findSchema)
    const props = await addPersonProps(parts, viewerOf(c, parts), q)
    const frame = parts.frameOf(asWeb(c))
    return c.html(c.var.isHtmx ? addPersonDialog(props, frame) : addPersonPage(frame, props))
  })

  app.post('/people/add', async (c) => {
    const { user } = await readForm(c, addSchema)
    const viewer = viewerOf(c, parts)
    try {
      const conversation = await addContact(parts, viewer.id, user)
      return c.redirect(`/chats/${conversation}`, 303)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const props = await addPersonProps(parts, viewer, '')
      props.error = problemText(c.var.t, error)
      return c.html(addPersonPage(parts.frameOf(asWeb(c)), props), error.status)
    }
  })

  app.get('/chats/new-group', async (c) => {
    const props: NewGroupProps = { people: await choices(parts, viewerOf(c, parts)) }
    const frame = parts.frameOf(asWeb(c))
    return c.html(c.var.isHtmx ? newGroupDialog(props, frame) : newGroupPage(frame, props))
  })

  app.post('/chats/new-group', (c) => foundGroup(c, parts))
  return app
}

async function addPersonProps(
  parts: ChatRoutesParts,
  viewer: Viewer,
  text: string,
): Promise<AddPersonProps> {
  const q = text.trim()
  const limit = MATCHES_MAX + 1
  const found =
    q === '' ? [] : await directoryPage(parts.read, { except: viewer.id, text: q, limit })
  const hidden = await blockersOf(parts.read, viewer.id)
  const known = new Set((await contactsOf(parts.read, viewer)).map((person) => person.id))
  const matches = found.slice(0, MATCHES_MAX).map((person) => ({
    id: person.id,
    name: person.name,
    photo: person.photo,
    login: person.login,
    branch: person.branch.name,
    department: person.department || person.post || undefined,
    presence: hidden.has(person.id) ? UNTOLD : parts.presenceOf(person.id),
    isKnown: known.has(person.id),
  }))
  return { q, matches, hasMore: found.length > MATCHES_MAX }
}

async function choices(parts: ChatRoutesParts, viewer: Viewer): Promise<NewGroupProps['people']> {
  const people = await contactsOf(parts.read, viewer)
  const present = people.filter(({ name }) => name !== ERASED_NAME)
  return present.map(({ id, name, photo, branch }) => ({ id, name, photo, branch: branch.name }))
}

async function foundGroup(c: C, parts: ChatRoutesParts): Promise<Response> {
  const { title, members } = await readForm(c, groupSchema)
  const viewer = viewerOf(c, parts)
  try {
    const chosen = members.map(asUserId)
    const conversation = await createGroup(parts, viewer.id, { title, members: chosen })
    return c.redirect(`/chats/${conversation}`, 303)
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    const text = problemText(c.var.t, error)
    const errors = error.field === 'title' ? { title: text } : { members: text }
    const people = await choices(parts, viewer)
    const props: NewGroupProps = { people, title, chosen: members, errors }
    return c.html(newGroupPage(parts.frameOf(asWeb(c)), props), error.status)
  }
}
