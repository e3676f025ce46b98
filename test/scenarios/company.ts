/** Companies of real branches for scenarios: founding, inviting, joining; what a branch's files and streams say. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, end, PASSWORD, remove, run, type Server, start, until } from './servers.ts'

/** Founds an organisation whose first branch this is. */
export async function found(server: Server, admin: string): Promise<void> {
  await start(server, '--org', 'Dovira', '--branch', server.name, ...adminFlags(server, admin))
}

/** Lets a new branch join by an invitation of `inviter`, the only branch whose address it gets. */
export async function joinBy(inviter: Server, server: Server, admin: string): Promise<void> {
  const line = await invite(inviter, server.name)
  await start(server, '--join', line, ...adminFlags(server, admin))
}

/** An invitation line for a new branch. */
export async function invite(inviter: Server, name: string, ...more: string[]): Promise<string> {
  const { out, err } = await run('invite', '--branch', name, '--data', inviter.data, ...more)
  if (out === '') throw new Error(`No invitation: ${err}`)
  return out.trim()
}

/** Flags of a first start: who administers the new branch. */
export function adminFlags(server: Server, login: string): string[] {
  const file = join(server.data, 'password')
  writeFileSync(file, PASSWORD)
  return ['--admin-login', login, '--admin-password-file', file]
}

/** Ends and removes servers. */
export async function stopAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => end(server, 'SIGKILL')))
  for (const server of servers) remove(server)
}

type Link = {
  name: string
  isSelf: boolean
  linked: boolean
  waiting: number
  lastError?: string
  protection?: 'classical' | 'post-quantum'
}

/** The state of the link to a branch, as its admins see it. */
export async function linkTo(admin: Client, name: string): Promise<Link | undefined> {
  const { items } = await admin.call<{ items: Link[] }>('GET', '/admin/branches')
  return items.find((branch) => branch.name === name)
}

export const bodiesOf = async (client: Client, chat: string) =>
  (await client.messages(chat)).map(({ body }) => body)

/** Waits until a message with this text is in a chat. */
export async function arrives(client: Client, chat: string, body: string): Promise<void> {
  await until(`"${body}" arrives`, async () => (await bodiesOf(client, chat)).includes(body))
}

/** Whether a text stands anywhere in a branch's folder, the database's own log included. */
export function holds({ data }: Server, text: string): boolean {
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(text))
}

/** Creates an account; answers its id. */
export async function hire(admin: Client, login: string, name: string): Promise<string> {
  const person = { login, name, password: PASSWORD, temporary: false }
  return (await admin.call<{ id: string }>('POST', '/admin/users', person)).id
}

/** Whether the directory of a branch has somebody. */
export async function knows(client: Client, login: string): Promise<boolean> {
  const { items } = await client.call<{ items: { login: string }[] }>('GET', `/people?q=${login}`)
  return items.some((person) => person.login === login)
}

/** Opens an event stream of its own sign-in; the result resolves when the server ends it. */
export async function streamOf(
  { origin }: Server,
  login: string,
  password = PASSWORD,
): Promise<{ ended: Promise<void> }> {
  const signedIn = await fetch(`${origin}/api/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ login, password, device: 'stream' }),
  })
  const { token } = (await signedIn.json()) as { token: string }
  const headers = { authorization: `Bearer ${token}` }
  const { body, status } = await fetch(`${origin}/api/v1/events`, { headers })
  if (status !== 200 || !body) throw new Error(`GET /events: ${status}`)
  const read = async () => {
    for await (const _ of body) {
      // Whatever it says: it is its end that counts.
    }
  }
  return { ended: read() }
}

/** Whether a sign-in has ended. */
export async function isOut(client: Client): Promise<boolean> {
  return await client.call('GET', '/me').then(
    () => false,
    (error: Error) => error.message.includes('401'),
  )
}

/** Whether somebody can sign in. */
export async function maySignIn(server: Server, login: string, password: string): Promise<boolean> {
  return await Client.signIn(server, login, password).then(
    () => true,
    () => false,
  )
}
