/** What stands in the place of a photo. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avatar } from '../../views/parts.ts'

test('a face without a photo shows initials, and of a name without letters what it begins with', () => {
  const letters = (name: string) =>
    /data-initials="([^"]*)"/.exec(String(avatar({ id: 'a', name })))?.[1]
  assert.equal(letters('Леся Українка'), 'ЛУ')
  assert.equal(letters('  o’brien'), 'OB')
  assert.equal(letters('👩‍👩‍👧 🎻'), '👩‍👩‍👧')
  assert.equal(letters('!'), '!')
})
