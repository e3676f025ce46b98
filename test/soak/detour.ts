/**
 * Loaded into a server of the soak by `--import`, with `?from=PORT&to=PORT`: a call to the other branch's relay goes to
 * the soak's line instead. Branches tell each other where they listen, so on one machine they would go round the line
 * otherwise; nothing else of the server is touched.
 */
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const wish = new URL(import.meta.url).searchParams
const [from, to] = [Number(wish.get('from')), Number(wish.get('to'))]
const { connect } = net

const bent = (options: net.NetConnectOpts, ...rest: [(() => void)?]) => {
  const goesThere = 'port' in options && options.port === from
  return connect(goesThere ? { ...options, port: to } : options, ...rest)
}

net.connect = bent as typeof connect
syncBuiltinESMExports()
