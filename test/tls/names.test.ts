/** What a branch may be called: the rule that keeps a stolen branch from being a bank. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOfName, serverName } from '../../src/tls/names.ts'

const NAMES: [text: string, name: string | undefined][] = [
  ['Chat.Kyiv.LAN', 'chat.kyiv.lan'],
  ['чат.офіс', 'xn--80a0bn.xn--n1agi6e'],
  ['kyiv-1', 'kyiv-1'],
  ['10.1.2.3', '10.1.2.3'],
  ['FD00:0::7', 'fd00::7'],
  ['*.kyiv.lan', undefined],
  ['10.1.2', undefined],
  ['0x0a.1', undefined],
  ['10.1.2.3/8', undefined],
  ['chat.kyiv.lan:8080', undefined],
  ['user@chat.lan', undefined],
  ['a..b', undefined],
  ['.lan', undefined],
  ['', undefined],
  ['a'.repeat(64), undefined],
]

for (const [text, name] of NAMES) {
  test(`"${text}" is ${name === undefined ? 'no name' : `the name ${name}`}`, () => {
    assert.equal(serverName(text), name)
  })
}

const RULES: [name: string, refusal: 'public' | 'taken' | undefined][] = [
  ['chat.lviv.lan', undefined],
  ['lviv-1', undefined],
  ['srv2', undefined],
  ['10.9.9.9', undefined],
  ['fd00::9', undefined],
  ['localhost', undefined],
  ['chat.acme.example', undefined],
  ['frontdesk', undefined],
  ['internal', 'public'],
  ['com', 'public'],
  ['berlin', 'public'],
  ['xn--p1ai', 'public'],
  ['bank.example', 'public'],
  ['acme.example', 'public'],
  ['notacme.example', 'public'],
  ['8.8.8.8', 'public'],
  ['172.32.0.1', 'public'],
  ['2001:db8::1', 'public'],
  ['chat.kyiv.lan', 'taken'],
  ['kyiv.lan', 'taken'],
  ['x.chat.kyiv.lan', 'taken'],
]

for (const [name, refusal] of RULES) {
  test(`a branch that asks for ${name} gets ${refusal === undefined ? 'it' : `"${refusal}"`}`, () => {
    const domains = ['acme.example', 'frontdesk']
    const taken = ['chat.kyiv.lan', '10.9.9.9', 'localhost']
    assert.equal(refusalOfName(name, { domains, taken }), refusal)
  })
}
