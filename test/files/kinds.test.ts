import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KIND_BYTES, kindOf, readText } from '../../src/files/kinds.ts'

const latin = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const zip = (...names: string[]) => latin(`PK\x03\x04${names.join('\0\0PK\x03\x04')}`)

const KNOWN: [what: string, bytes: Uint8Array, type: string, kind: string][] = [
  ['JPEG', latin('\xff\xd8\xff\xe0\0\x10JFIF'), 'image/jpeg', 'image'],
  ['PNG', latin('\x89PNG\r\n\x1a\n\0\0'), 'image/png', 'image'],
  ['GIF', latin('GIF89a\x01\0\x01\0'), 'image/gif', 'image'],
  ['WebP', latin('RIFF\x10\0\0\0WEBPVP8 '), 'image/webp', 'image'],
  ['AVIF', latin('\0\0\0\x1cftypavif'), 'image/avif', 'image'],
  ['HEIC, which browsers do not show', latin('\0\0\0\x18ftypheic'), 'image/heic', 'other'],
  ['TIFF, which browsers do not show', latin('II*\0\x08\0'), 'image/tiff', 'other'],
  ['WAV', latin('RIFF\x10\0\0\0WAVEfmt '), 'audio/wav', 'audio'],
  ['MP3 with a tag', latin('ID3\x04\0'), 'audio/mpeg', 'audio'],
  ['MP3 without a tag', latin('\xff\xfb\x90\x44'), 'audio/mpeg', 'audio'],
  ['M4A', latin('\0\0\0\x20ftypM4A '), 'audio/mp4', 'audio'],
  ['Opus', latin('OggS\0\x02OpusHead'), 'audio/ogg', 'audio'],
  ['Theora', latin('OggS\0\x02\x80theora'), 'video/ogg', 'video'],
  ['FLAC', latin('fLaC\0\0\0\x22'), 'audio/flac', 'audio'],
  ['MP4', latin('\0\0\0\x20ftypisom'), 'video/mp4', 'video'],
  ['QuickTime', latin('\0\0\0\x14ftypqt  '), 'video/quicktime', 'video'],
  ['WebM', latin('\x1a\x45\xdf\xa3\x42\x82\x84webm..V_VP9..A_OPUS'), 'video/webm', 'video'],
  ['a voice in WebM', latin('\x1a\x45\xdf\xa3\x42\x82\x84webm..A_OPUS'), 'audio/webm', 'audio'],
  ['Matroska', latin('\x1a\x45\xdf\xa3\x42\x82\x88matroska'), 'video/x-matroska', 'other'],
  ['PDF', latin('%PDF-1.7\n'), 'application/pdf', 'pdf'],
  ['ZIP', zip('a.txt'), 'application/zip', 'other'],
  [
    'Word',
    zip('[Content_Types].xml', '_rels/.rels', 'word/document.xml'),
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'other',
  ],
  [
    'OpenDocument',
    zip('mimetypeapplication/vnd.oasis.opendocument.text'),
    'application/vnd.oasis.opendocument.text',
    'other',
  ],
  ['a program', latin('MZ\x90\0'), 'application/vnd.microsoft.portable-executable', 'other'],
  ['bytes', new Uint8Array([1, 2, 3, 0]), 'application/octet-stream', 'other'],
  ['nothing', new Uint8Array(0), 'application/octet-stream', 'other'],
]

for (const [what, bytes, type, kind] of KNOWN) {
  test(`the first bytes tell ${what}, under any name`, () => {
    assert.deepEqual(kindOf(bytes, 'invoice.pdf.html'), { type, kind })
  })
}

test('HTML, SVG, XML and scripts are plain text, whatever they are called', () => {
  const texts = [
    '<!doctype html><script>alert(1)</script>',
    '  \n<html><body onload=alert(1)>',
    '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    '<?xml version="1.0"?><x/>',
    '#!/bin/sh\nrm -r /',
    'Привіт',
    '\ufeffhello',
  ]
  for (const text of texts) {
    for (const name of ['a.html', 'a.svg', 'a.png', 'a']) {
      assert.deepEqual(kindOf(Buffer.from(text), name), { type: 'text/plain', kind: 'text' }, text)
    }
  }
})

test('a text whose letter is cut by the end of the look is still text', () => {
  const bytes = Buffer.from(`a${'ї'.repeat(KIND_BYTES)}`)
  assert.equal(kindOf(bytes, 'a').kind, 'text')
  assert.equal(kindOf(bytes.subarray(0, 10), 'a').kind, 'text')
})

test('a text in an old alphabet is text by its name and bytes otherwise', () => {
  const old = new Uint8Array([0xcf, 0xf0, 0xe8, 0xe2, 0xb3, 0xf2]) // Привіт in windows-1251
  assert.equal(kindOf(old, 'лист.txt').kind, 'text')
  assert.equal(kindOf(old, 'лист.bin').kind, 'other')
  assert.equal(kindOf(new Uint8Array([...old, 0]), 'лист.txt').kind, 'other')
})

test('text is read in Unicode and in the alphabets of old programs', () => {
  assert.equal(readText(Buffer.from('Привіт')), 'Привіт')
  assert.equal(readText(Buffer.from('\ufeffa', 'utf16le')), 'a')
  assert.equal(readText(new Uint8Array([0xcf, 0xf0, 0xe8, 0xe2, 0xb3, 0xf2])), 'Привіт')
  assert.equal(readText(latin('informa\xe7\xe3o da filial')), 'informação da filial')
})
