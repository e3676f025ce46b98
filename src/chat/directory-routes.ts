/** The directory's pages: `/people` and the card of a person. */
import { Hono } from 'hono'
import * as v from 'valibot'
import { type CardProps, directoryPage, personCardPage } from '../../views/chat/directory.ts'
import { called } from '../../views/parts.ts'
import * as directory from '../accounts/directory.ts'
import { asWeb, type SignedIn } from '../accounts/guard.ts'
import { getPerson, type Person } from '../accounts/queries.ts'
import { asBranchId, asUserId, isId, type UserId } from '../base/ids.ts'
import type { Db } from '../db/open.ts'
import { readQuery } from '../web/form.ts'
import { directIdOf } from './ids.ts'
import { isContact } from './members.ts'
import type { ChatRoutesParts } from './routes.ts'

/** A screen of a list; the pager leads on. */
const PEOPLE_PER_PAGE = 25
const TYPED_CHARS_MAX = 120

const typed = v.optional(v.pipe(v.string(), v.maxLength(TYPED_CHARS_MAX)), '')
const asked = v.object({ q: typed, branch: typed, department: typed, after: typed })

/** Routes of `/people` and `/people/:id`; mount them after `/people/add`. */
export function directoryRoutes(parts: ChatRoutesParts): Hono<SignedIn> {
  const { read, frameOf } = parts
  const app = new Hono<SignedIn>()

  app.get('/people', async (c) => {
    const { q, branch, department, after } = readQuery(c, asked)
    const found = await directory.directoryPage(read, {
      text: q,
      branch: isId(branch) ? asBranchId(branch) : undefined,
      department: department === '' ? undefined : department,
      after: isId(after) ? asUserId(after) : undefined,
      limit: PEOPLE_PER_PAGE + 1,
    })
    const people = found.slice(0, PEOPLE_PER_PAGE)
    const branches = await branchesByName(read)
    const shown = new Set(people.map((person) => person.branch.id))
    const props = {
      filter: { q, branch, department },
      branches,
      departments: await directory.departments(read),
      people: people.map((person) => entryOf(person, parts)),
      next: found.length > PEOPLE_PER_PAGE ? people.at(-1)?.id : undefined,
      isLater: isId(after),
      down: branches.flatMap(({ id, name }) => (shown.has(id) ? downOf(parts, id, name) : [])),
    }
    return c.html(directoryPage(frameOf(asWeb(c)), props))
  })

  app.get('/people/:id', async (c) => {
    const person = await getPerson(read, asUserId(c.req.param('id')))
    const viewer = c.var.user.id
    const name = called(person, c.var.t)
    const props: CardProps = {
      person: { ...entryOf(person, parts), name },
      isErased: person.isErased,
      isDisabled: person.disabled,
      isSelf: person.id === viewer,
      chat: await chatWith(read, viewer, person.id),
      isContact: await isContact(read, viewer, person.id),
      down: downOf(parts, person.branch.id, person.branch.name)[0],
    }
    return c.html(personCardPage(frameOf(asWeb(c)), props))
  })
  return app
}

function entryOf(person: Person, { presenceOf }: ChatRoutesParts) {
  const { id, name, photo, login, branch, department, post, phone, room } = person
  const facts = { login, branch: branch.name, department, post, phone, room }
  return { id, name, photo, ...facts, presence: presenceOf(id) }
}

function downOf({ linkOf }: ChatRoutesParts, branch: Person['branch']['id'], name: string) {
  const link = linkOf(branch)
  if (link === undefined || link.up || link.since === 0) return []
  return [{ branch: name, since: link.since }]
}

function branchesByName(db: Db) {
  return db.selectFrom('branch').select(['id', 'name']).orderBy('name').execute()
}

async function chatWith(db: Db, viewer: UserId, other: UserId): Promise<string | undefined> {
  if (viewer === other) return undefined
  const id = directIdOf(viewer, other)
  const row = db.selectFrom('conversation').where('id', '=', id).select('id')
  return (await row.executeTakeFirst()) === undefined ? undefined : `/chats/${id}`
}
