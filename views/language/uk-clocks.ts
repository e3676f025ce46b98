/** Ukrainian: certificates that do not fit the clock. */
import type { ClockWords } from './clocks.ts'
import { counting } from './plural.ts'

const count = counting('uk')

export const ukClocks: ClockWords = {
  minutes: (n) => count(n, { one: 'хвилину', few: 'хвилини', many: 'хвилин', other: 'хвилини' }),
  hours: (n) => count(n, { one: 'годину', few: 'години', many: 'годин', other: 'години' }),
  days: (n) => count(n, { one: 'день', few: 'дні', many: 'днів', other: 'дня' }),
  what: {
    link: {
      'not-yet': (span) => `За годинником цього сервера сертифікат почне діяти лише за ${span}.`,
      expired: (span) => `За годинником цього сервера сертифікат закінчився ${span} тому.`,
    },
    issuer: {
      'not-yet': (span) =>
        `За годинником цього сервера право видавати сертифікати почнеться лише за ${span}.`,
      expired: (span) =>
        `За годинником цього сервера право видавати сертифікати закінчилося ${span} тому.`,
    },
  },
  records: (span) =>
    `Найновіший запис цього сервера на ${span} попереду його годинника: годинник відстає тепер або поспішав тоді.`,
  whose: {
    here: 'Імовірно, хибний годинник цього сервера.',
    there: 'Імовірно, хибний годинник іншої філії або тієї, що підписала.',
    unknown: 'Порівняйте годинники обох філій.',
    none: 'Годинники збігаються: сертифікат не поновили вчасно.',
  },
}
