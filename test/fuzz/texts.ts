/** Decoders of text: what browsers, scripts and operators send. */
import { deviceOf } from '../../src/accounts/device.ts'
import { splitLogin } from '../../src/accounts/logins.ts'
import { AppError } from '../../src/base/errors.ts'
import { HLC_ZERO } from '../../src/base/hlc.ts'
import { asUserId } from '../../src/base/ids.ts'
import { decodeInvitation, encodeInvitation } from '../../src/certificates/invitation.ts'
import { cursorOf, placeOf } from '../../src/chat/cursors.ts'
import { parseAddress } from '../../src/relay/addresses.ts'
import { serverName } from '../../src/tls/names.ts'
import { nextPath } from '../../src/web/errors.ts'
import { fieldsOf } from '../../src/web/form.ts'
import { parseResume } from '../../src/web/sse.ts'
import { languageFrom } from '../../views/language/words.ts'
import { company, NOW, seeded } from '../certificates/cast.ts'
import type { Decoder } from './trying.ts'

const random = seeded('texts')
const { organisation, north } = company()
const line = encodeInvitation({
  ...{ organisation, inviter: north.keys.branch, addresses: ['10.0.0.1:9945', '[fd00::1]:1'] },
  ...{ expiresAt: NOW, secret: random(32) },
})
const cursor = cursorOf({ timeKey: HLC_ZERO, id: 'ab'.repeat(16) as never })

export const OF_TEXT: Record<string, Decoder<string>> = {
  'an invitation': { samples: [line, ` ${line}\n`], decode: (text) => decodeInvitation(text, NOW) },
  'a cursor': { samples: [cursor], decode: (text) => placeOf(text, 'before'), refuses: [AppError] },
  'an id': { samples: ['0f'.repeat(16)], decode: asUserId, refuses: [AppError] },
  'a place in a stream': { samples: ['0f0f0f0f-123', '7'], decode: parseResume },
  'an address': {
    samples: ['10.0.0.1:7', '[fd00::1]:9', 'lviv:1'],
    decode: parseAddress,
    refuses: [TypeError],
  },
  'a name of a server': { samples: ['chat.lviv.lan', 'fd00::1', '10.0.0.1'], decode: serverName },
  'a login': { samples: ['olena', 'olena@Kyiv'], decode: splitLogin },
  'a path to go on to': { samples: ['/chats', '/chats?find=a#b'], decode: nextPath },
  'a browser’s languages': { samples: ['uk-UA,uk;q=0.9,en;q=0.8'], decode: languageFrom },
  'the name of a browser': {
    samples: ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36'],
    decode: deviceOf,
  },
  'a form': {
    samples: ['login=olena&password=x&next=%2Fchats&members=a&members=b'],
    decode: (text) => fieldsOf(new URLSearchParams(text)),
  },
}
