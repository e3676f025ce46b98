/** The API of a person's own list: contacts, blocks, the own history; validated by the schemas of `contactsApi`. */
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import type { Guards, SignedIn } from '../accounts/guard.ts'
import { peopleByIds, personByLogin } from '../accounts/queries.ts'
import { invalidInput } from '../base/errors.ts'
import { asConversationId, type UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import type { ApiOperation } from '../web/api.ts'
import { addContact, type ChatParts } from './actions.ts'
import { blockedBy, clearHistory, deleteContact, setBlock } from './contacts.ts'
import { contactsOf } from './members.ts'
import type { Pace } from './pace.ts'

const person = v.object({ id: v.string(), login: v.string(), branch: v.string(), name: v.string() })
const people = v.object({ items: v.array(person) })
const added = v.object({ conversation: v.string() })

const CONTACT = '/contacts/{login}'
const BLOCK = '/blocks/{login}'

export const contactsApi: readonly ApiOperation[] = [
  {
    ...{ method: 'get', path: '/contacts', response: people, status: 200 },
    summary: 'List the people in the own list, by name',
  },
  {
    ...{ method: 'put', path: CONTACT, response: added, status: 200 },
    summary: 'Put somebody into the own list; answers the chat with him',
  },
  {
    ...{ method: 'delete', path: CONTACT, status: 204 },
    summary: 'Take somebody out of the own list; his next message brings the chat back',
  },
  {
    ...{ method: 'get', path: '/blocks', response: people, status: 200 },
    summary: 'List the people from whom no messages are taken, by name',
  },
  {
    ...{ method: 'put', path: BLOCK, status: 204 },
    summary: 'Take no more messages from somebody; he is told so when he writes',
  },
  { method: 'delete', path: BLOCK, summary: 'Take messages from somebody again', status: 204 },
  {
    ...{ method: 'post', path: '/conversations/{id}/clear', status: 204 },
    summary: 'Hide from oneself everything in a chat up to now; cannot be undone',
  },
]

type ContactsApiDeps = ChatParts & { read: Db; guards: Guards; pace: Pace }

/** The routes of `contactsApi`. */
export function contactsApiRoutes(parts: ContactsApiDeps): Hono<SignedIn> {
  const app = new Hono<SignedIn>()
  const { bearer } = parts.guards
  const changing = async (c: Context<SignedIn>) => {
    const viewer = c.var.user.id
    parts.pace.post(viewer)
    return { viewer, user: await personCalled(parts, c.req.param('login') ?? '') }
  }

  app.get('/contacts', bearer, async (c) => {
    const found = await contactsOf(parts.read, { id: c.var.user.id, at: parts.self })
    return c.json({ items: found.map(shapeOf) })
  })
  app.put('/contacts/:login', bearer, async (c) => {
    const { viewer, user } = await changing(c)
    return c.json({ conversation: await addContact(parts, viewer, user) })
  })
  app.delete('/contacts/:login', bearer, async (c) => {
    const { viewer, user } = await changing(c)
    await deleteContact(parts, viewer, user)
    return c.body(null, 204)
  })

  app.get('/blocks', bearer, async (c) => {
    const ids = await blockedBy(parts.read, c.var.user.id)
    const found = await peopleByIds(parts.read, [...ids])
    found.sort((a, b) => a.name.localeCompare(b.name, 'en') || (a.id < b.id ? -1 : 1))
    return c.json({ items: found.map(shapeOf) })
  })
  app.put('/blocks/:login', bearer, async (c) => {
    const { viewer, user } = await changing(c)
    await setBlock(parts, viewer, { user, on: true })
    return c.body(null, 204)
  })
  app.delete('/blocks/:login', bearer, async (c) => {
    const { viewer, user } = await changing(c)
    await setBlock(parts, viewer, { user, on: false })
    return c.body(null, 204)
  })

  app.post('/conversations/:id/clear', bearer, async (c) => {
    parts.pace.post(c.var.user.id)
    await clearHistory(parts, c.var.user.id, asConversationId(c.req.param('id')))
    return c.body(null, 204)
  })
  return app
}

async function personCalled({ read, self }: ContactsApiDeps, login: string): Promise<UserId> {
  const found = await personByLogin(read, self, login)
  if (found === undefined) throw invalidInput('login', 'Nobody has this login', 'person-unknown')
  return found.id
}

type Shown = { id: UserId; login: string; name: string; branch: { name: string } }

function shapeOf({ id, login, name, branch }: Shown): v.InferOutput<typeof person> {
  return { id, login, branch: branch.name, name }
}
