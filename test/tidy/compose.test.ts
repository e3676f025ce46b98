/** The compose files say what the image and the settings understand: nobody here starts Docker to see it. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type Config, configOf, environmentName, SETTINGS } from '../../src/config.ts'
import { ROOT } from './source.ts'

type Service = {
  build?: { context?: string }
  environment?: Record<string, string>
  ports?: string[]
  volumes?: string[]
  network_mode?: string
  restart?: string
  stop_grace_period?: string
  read_only?: boolean
  tmpfs?: string[]
  cap_drop?: string[]
  security_opt?: string[]
  /** Of the image, or not at all. */
  user?: string
  command?: string
  healthcheck?: unknown
  privileged?: boolean
}
type File = { services: Record<string, Service>; volumes: Record<string, unknown> }

const FOLDER = 'docs/compose'
/** The program promises to end within 10 s. */
const GRACE_SECONDS_MIN = 11

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const files = readdirSync(join(ROOT, FOLDER)).map((name) => ({
  name,
  text: read(`${FOLDER}/${name}`),
}))

/** What the last stage of the Dockerfile gives every container. */
function imageOf(dockerfile: string) {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  const words = (name: string) =>
    new RegExp(`^${name} (.+)$`, 'm').exec(last)?.[1]?.trim().split(/\s+/) ?? []
  const variables = [...last.matchAll(/\b(BRANCHLINE_[A-Z_]+)=(\S+)/g)]
  return {
    ports: words('EXPOSE').map(Number),
    volumes: words('VOLUME'),
    user: words('USER')[0],
    healthPort: Number(/port: (\d+), path: '\/healthz'/.exec(last)?.[1]),
    environment: Object.fromEntries(variables.map(([, name = '', value = '']) => [name, value])),
  }
}

const image = imageOf(read('Dockerfile'))

/** A text as Compose puts it in: `${A:-default}`, and `${A:?...}` with what an operator might say. */
function filledIn(text: string): string {
  return text
    .replace(/\$\{\w+:-([^}]*)\}/g, '$1')
    .replace(/\$\{\w+:\?[^}]*\}/g, 'chat.kyiv.lan,10.1.2.3')
}

/** The settings a container of this service starts with; throws for what the server would refuse. */
function configFor({ environment = {} }: Service): Config {
  const own = Object.entries(environment).map(([name, value]) => [name, filledIn(String(value))])
  const readFile = () => 'a secret'
  return configOf({
    flags: {},
    environment: { ...image.environment, ...Object.fromEntries(own) },
    readFile,
  })
}

const KNOWN = new Set(
  SETTINGS.flatMap(({ flag, kind }) => {
    const name = environmentName(flag)
    return kind === 'secret' ? [name, `${name}_FILE`] : [name]
  }),
)

function serviceFaults(name: string, service: Service, file: File): string[] {
  const faults: string[] = []
  const want = (isRight: boolean, what: string) => isRight || faults.push(`${name}: ${what}`)
  const context = join(ROOT, FOLDER, service.build?.context ?? '')
  want(existsSync(join(context, 'Dockerfile')), 'its build context has no Dockerfile')
  want(service.read_only === true, 'its root file system can be written')
  want(service.tmpfs?.join() === '/tmp', 'it needs a /tmp of memory, and nothing else')
  want(service.cap_drop?.join() === 'ALL', 'it keeps capabilities')
  want(service.security_opt?.join() === 'no-new-privileges:true', 'it may gain privileges')
  want(!service.privileged && service.user === undefined, `it must run as ${image.user}`)
  want(service.restart === 'unless-stopped', 'it does not start again by itself')
  const grace = Number(/^(\d+)s$/.exec(service.stop_grace_period ?? '')?.[1])
  want(grace >= GRACE_SECONDS_MIN, 'it is killed before it has ended')
  want(service.command === undefined, 'the image says what runs')
  want(service.healthcheck === undefined, 'the image says how its health is asked')
  const [volume = '', ...others] = service.volumes ?? []
  const [source = '', target = ''] = volume.split(':')
  want(others.length === 0 && source in file.volumes, 'it has not one named volume')
  want(image.volumes.includes(target), `${target} is no volume of the image`)
  for (const variable of Object.keys(service.environment ?? {})) {
    want(KNOWN.has(variable), `${variable} is no setting`)
  }
  return [...faults, ...networkFaults(name, service, file)]
}

function networkFaults(name: string, service: Service, { services }: File): string[] {
  const faults: string[] = []
  const want = (isRight: boolean, what: string) => isRight || faults.push(`${name}: ${what}`)
  const { listen, relay, peers, data } = configFor(service)
  want(image.volumes.includes(data), `its data folder ${data} is no volume of the image`)
  want(listen.port === image.healthPort, 'the health check of the image asks another port')
  want(listen.host === '0.0.0.0', 'nobody outside the container reaches its pages')
  const inside = (service.ports ?? []).map((port) => Number(port.split(':').at(-1)))
  for (const port of inside) want(image.ports.includes(port), `${port} is no port of the image`)
  if (service.network_mode === 'host') {
    want(inside.length === 0, 'host networking publishes nothing')
  } else {
    want(service.network_mode === undefined, 'its network is none that this test knows')
    want(inside.includes(listen.port), 'its pages are not published')
    want(relay.kind === 'address', 'a container sees no ZeroTier interface')
  }
  if (relay.kind === 'address') want(image.ports.includes(relay.address.port), 'the relay port')
  for (const { host, port } of peers) {
    const peer = services[host]
    const theirs = peer && configFor(peer).relay
    const isThere = theirs?.kind === 'address' && theirs.address.port === port
    want(host !== name && isThere, `its peer ${host}:${port} does not listen there`)
  }
  return faults
}

/** Faults of a file, and of the commands its comments tell. */
function fileFaults({ name, text }: { name: string; text: string }): string[] {
  const file = parse(text, { merge: true }) as File
  const faults = Object.entries(file.services).flatMap(([service, one]) =>
    serviceFaults(service, one, file),
  )
  for (const [, path, words = ''] of text.matchAll(/^# .*docker compose -f (\S+) (.+)$/gm)) {
    if (path !== `${FOLDER}/${name}`) faults.push(`a command names ${path}`)
    const [, service, command] =
      /^(?:exec|logs) (\w+)(?: node src\/main\.ts (\w+))?/.exec(words) ?? []
    if (service !== undefined && !(service in file.services)) faults.push(`no service ${service}`)
    if (command !== undefined && !/^(invite|peers|user)$/.test(command)) {
      faults.push(`no command ${command}`)
    }
    for (const [, host = '', port] of words.matchAll(/--address (\w+):(\d+)/g)) {
      const { relay } = configFor(file.services[host] ?? {})
      const isThere = relay.kind === 'address' && relay.address.port === Number(port)
      if (!isThere) faults.push(`${host}:${port} is no relay of the file`)
    }
  }
  return faults
}

test('the image is read as it stands in the Dockerfile', () => {
  assert.deepEqual(image.ports, [8080, 7900])
  assert.deepEqual(image.volumes, ['/data'])
  assert.deepEqual([image.user, image.healthPort], ['node', 8080])
  assert.equal(image.environment.BRANCHLINE_DATA, '/data')
})

test('both compose files are there', () => {
  assert.deepEqual(files.map(({ name }) => name).sort(), ['two-branches.yaml', 'zerotier.yaml'])
})

for (const { name, text } of files) {
  test(`${name} fits the image and the settings`, () => {
    assert.deepEqual(fileFaults({ name, text }), [])
  })
}

test('in the ZeroTier file the relay waits for the interface', () => {
  const file = parse(read(`${FOLDER}/zerotier.yaml`)) as File
  const [service] = Object.values(file.services)
  assert.equal(service?.network_mode, 'host')
  assert.equal(service && configFor(service).relay.kind, 'zt')
})

const refused: [what: string, from: string, to: string, reason: RegExp][] = [
  ['an unknown setting', 'BRANCHLINE_TIMEZONE', 'BRANCHLINE_TIME_ZONE', /is no setting/],
  ['another port', '8443:8080', '8443:8081', /8081 is no port of the image/],
  ['another volume', 'kyiv:/data', 'kyiv:/var/data', /no volume of the image/],
  ['a root that can be written', 'read_only: true', 'read_only: false', /can be written/],
  ['a capability', '    - ALL', '    - NET_RAW', /keeps capabilities/],
  ['too little patience', '15s', '5s', /killed before/],
  ['a peer that listens elsewhere', 'lviv:7900', 'lviv:7901', /does not listen there/],
  ['an invitation to nowhere', '--address kyiv:7900', '--address kyiv:79', /no relay of the file/],
  ['a service that is none', 'exec lviv', 'exec odesa', /no service odesa/],
]

for (const [what, from, to, reason] of refused) {
  test(`the compose check refuses ${what}`, () => {
    const name = 'two-branches.yaml'
    const text = read(`${FOLDER}/${name}`)
    assert.ok(text.includes(from), `${from} stands in the file`)
    assert.match(fileFaults({ name, text: text.replace(from, to) }).join('\n'), reason)
  })
}

test('the compose check refuses a value that the server would refuse', () => {
  assert.throws(() => configFor({ environment: { BRANCHLINE_RELAY: 'somewhere' } }), /--relay/)
})
