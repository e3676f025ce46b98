/** Five thousand people imported by the API at Kyiv, and how long others wait for a page meanwhile. */
import { bothRunning, PASSWORD } from '../company.ts'
import { percentile } from '../figures.ts'
import { Connection } from '../http.ts'
import { type Bench, type Scenario, scaled } from '../scenario.ts'
import { processorSeconds } from '../servers.ts'
import { pause } from '../wait.ts'

const PEOPLE = 5000

type Run = { seconds: number; processor: number; p99: number; longest: number }

async function run(bench: Bench): Promise<Run> {
  const pair = await bothRunning(await bench.company(), bench.nodeFlags)
  const other = new Connection(pair.kyiv)
  try {
    const body = { login: 'ada', password: PASSWORD, device: 'bench' }
    const entered = await other.ask({ method: 'POST', path: '/api/v1/sign-in', body })
    const { token } = JSON.parse(entered.body.toString()) as { token: string }
    const count = scaled(bench, PEOPLE, 50)
    const rows = Array.from({ length: count }, (_, i) => `new.person.${i},Olena,Koval ${i},Sales`)
    const csv = `login,firstName,lastName,department\n${rows.join('\n')}\n`
    const waits: number[] = []
    let isOver = false
    const before = processorSeconds(pair.kyiv.pid)
    const began = performance.now()
    const done = fetch(`http://127.0.0.1:${pair.kyiv.port}/api/v1/admin/users/import`, {
      ...{ method: 'POST', body: csv },
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    }).finally(() => {
      isOver = true
    })
    while (!isOver) {
      const asked = performance.now()
      await other.ask({ method: 'GET', path: '/api/v1/me', token })
      waits.push(performance.now() - asked)
      await pause(5)
    }
    const answer = (await (await done).json()) as { counts: { create: number } }
    const seconds = (performance.now() - began) / 1000
    if (answer.counts.create !== count) throw new Error('Not all were created')
    const processor = processorSeconds(pair.kyiv.pid) - before
    return { seconds, processor, p99: percentile(waits, 0.99), longest: Math.max(...waits) }
  } finally {
    other.close()
    await pair.end()
  }
}

/** Accounts in bulk while others work. */
export const bulkImport: Scenario = async (bench) => {
  const runs: Run[] = []
  for (let i = 0; i < bench.runs; i++) runs.push(await run(bench))
  const of = (name: keyof Run) => runs.map((one) => one[name])
  return [
    { figure: '5,000 people', unit: 's', values: of('seconds') },
    { figure: '5,000 people, processor', unit: 's', values: of('processor') },
    { figure: 'an answer meanwhile, p99', unit: 'ms', values: of('p99') },
    { figure: 'an answer meanwhile, longest', unit: 'ms', values: of('longest') },
  ]
}
