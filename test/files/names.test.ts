/** Names and types of files at the door, each with what becomes of it: the table of docs/files.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileName, mediaTypeOf, namedIn } from '../../src/files/names.ts'

const bytes = (text: string) => new TextEncoder().encode(text).length

const NAMES: [is: string, given: string, kept: string][] = [
  ['an ordinary one', 'звіт за рік.pdf', 'звіт за рік.pdf'],
  ['folders above', '../../etc/passwd', 'passwd'],
  ['folders of Windows', 'C:\\Users\\ada\\plan.dwg', 'plan.dwg'],
  ['nothing but a folder', 'a/b/', 'file'],
  ['dots alone', '..', 'file'],
  ['nothing', '', 'file'],
  ['control characters', 'a\u0000b\nc\u001b[31m.txt', 'a b c [31m.txt'],
  ['a turned direction', 'invoice\u202Efdp.exe', 'invoice fdp.exe'],
  ['a zero width', 'pay\u200Bload.js', 'pay load.js'],
  ['letters Windows refuses', 'a<b>c:d|e?f*g".txt', 'a_b_c_d_e_f_g_.txt'],
  ['dots and spaces at the end', 'setup.exe. . ', 'setup.exe'],
  ['a lone half of a pair', 'a\uD800.txt', 'a\uFFFD.txt'],
  ['two forms of one letter', 'e\u0301.txt', '\u00E9.txt'],
]

for (const [is, given, kept] of NAMES) {
  test(`a name with ${is} becomes one that can be kept`, () => {
    assert.equal(fileName(given), kept)
    assert.equal(fileName(kept), kept, 'and stays as it is')
  })
}

test('300 bytes of emoji are cut between two of them, and the ending stays', () => {
  const name = fileName(`${'😀'.repeat(75)}.jpeg`)
  assert.equal(name, `${'😀'.repeat(62)}.jpeg`)
  assert.ok(bytes(name) <= 255)
})

test('a long ending is no ending', () => {
  assert.equal(bytes(fileName(`a.${'b'.repeat(400)}`)), 255)
})

test('the name of a Content-Disposition header is read in each of its forms', () => {
  const cases: [string | undefined, string][] = [
    ["attachment; filename*=UTF-8''%D0%B7%D0%B2%D1%96%D1%82.pdf", 'звіт.pdf'],
    ['attachment; filename="old.pdf"; filename*=utf-8\'uk\'%D1%8F.pdf', 'я.pdf'],
    ['attachment; filename="a \\"b\\".txt"', 'a _b_.txt'],
    ['attachment; filename=plain.txt', 'plain.txt'],
    ["attachment; filename*=UTF-8''%ff%fe", 'file'],
    ["attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", 'passwd'],
    ['inline', 'file'],
    [undefined, 'file'],
  ]
  for (const [header, name] of cases) assert.equal(namedIn(header), name, String(header))
})

test('what is no media type is one of unknown bytes', () => {
  assert.equal(mediaTypeOf('Text/HTML; charset=utf-8'), 'text/html')
  for (const wrong of ['', 'html', 'text/', 'a/b\r\nx: y', `a/${'b'.repeat(200)}`, undefined]) {
    assert.equal(mediaTypeOf(wrong), 'application/octet-stream')
  }
})
