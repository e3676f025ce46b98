/** English: certificates that do not fit the clock. */
import type { ClockWords } from './clocks.ts'
import { counting } from './plural.ts'

const count = counting('en')

export const enClocks: ClockWords = {
  minutes: (n) => count(n, { one: 'minute', other: 'minutes' }),
  hours: (n) => count(n, { one: 'hour', other: 'hours' }),
  days: (n) => count(n, { one: 'day', other: 'days' }),
  what: {
    link: {
      'not-yet': (span) => `By this server’s clock the certificate begins only in ${span}.`,
      expired: (span) => `By this server’s clock the certificate ended ${span} ago.`,
    },
    issuer: {
      'not-yet': (span) => `By this server’s clock the right to issue begins only in ${span}.`,
      expired: (span) => `By this server’s clock the right to issue ended ${span} ago.`,
    },
  },
  records: (span) =>
    `This server’s clock is ${span} behind its own newest record: it is slow now, or was fast then.`,
  whose: {
    here: 'Probably this server’s clock is wrong.',
    there: 'Probably the clock of the other branch is wrong, or that of the branch that signed.',
    unknown: 'Compare the clocks of both branches.',
    none: 'The clocks agree: it was not renewed in time.',
  },
}
