/**
 * The handshake patterns of Noise rev 34 (sections 7.4, 7.5 and 18.1) for the public vectors; links
 * use one only.
 */
import type { Pattern, Token } from '../../src/relay/noise.ts'

/** Before the bar: whose static key is known from the start (i, r). Then the messages in turn. */
const BASE = `
N r|e es
K ir|e es ss
X r|e es s ss
NN |e|e ee
NK r|e es|e ee
NX |e|e ee s es
KN i|e|e ee se
KK ir|e es ss|e ee se
KX i|e|e ee se s es
XN |e|e ee|s se
XK r|e es|e ee|s se
XX |e|e ee s es|s se
IN |e s|e ee se
IK r|e es s ss|e ee se
IX |e s|e ee se s es
NK1 r|e|e ee es
NX1 |e|e ee s|es
X1N |e|e ee|s|se
X1K r|e es|e ee|s|se
XK1 r|e|e ee es|s se
X1K1 r|e|e ee es|s|se
X1X |e|e ee s es|s|se
XX1 |e|e ee s|es s se
X1X1 |e|e ee s|es s|se
K1N i|e|e ee|se
K1K ir|e es|e ee|se
KK1 ir|e|e ee se es
K1K1 ir|e|e ee es|se
K1X i|e|e ee s es|se
KX1 i|e|e ee se s|es
K1X1 i|e|e ee s|se es
I1N |e s|e ee|se
I1K r|e es s|e ee|se
IK1 r|e s|e ee se es
I1K1 r|e s|e ee es|se
I1X |e s|e ee s es|se
IX1 |e s|e ee se s|es
I1X1 |e s|e ee s|se es
`

const table = new Map(
  BASE.trim()
    .split('\n')
    .map((row) => {
      const [head = '', ...messages] = row.split('|')
      const [name = '', known = ''] = head.split(' ')
      return [name, { known, messages: messages.map((tokens) => tokens.split(' ')) }]
    }),
)

/** The pattern of a name such as `XXpsk0+psk3`, or undefined when it is none of ours. */
export function patternNamed(name: string): Pattern | undefined {
  const [, baseName = '', modifiers = ''] = /^([A-Z0-9]+)(.*)$/.exec(name) ?? []
  const base = table.get(baseName)
  if (!base) return undefined
  const messages = base.messages.map((tokens) => [...tokens]) as Token[][]
  for (const modifier of modifiers ? modifiers.split('+') : []) {
    const place = /^psk(\d)$/.exec(modifier)?.[1]
    if (place === undefined) return undefined
    // Section 9.4: psk0 stands at the start of the first message, psk1, psk2 ... at the end of
    // message 1, 2 ...
    if (place === '0') messages[0]?.unshift('psk')
    else messages[Number(place) - 1]?.push('psk')
  }
  const known = { initiator: base.known.includes('i'), responder: base.known.includes('r') }
  return { name, known, messages }
}
