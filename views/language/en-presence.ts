/** English: what people say of themselves beside their presence. */
import { counting } from './plural.ts'

const count = counting('en')

export const enPresence = {
  title: 'Status',
  hint: 'Colleagues of all branches see it beside your name.',
  text: 'Status text',
  doNotDisturb: 'do not disturb',
  doNotDisturbLabel: 'Do not disturb',
  end: 'How long',
  untilChanged: 'until I change it',
  until: (time: string) => `until ${time}`,
  minutes: (n: number) => count(n, { one: 'minute', other: 'minutes' }),
  hours: (n: number) => count(n, { one: 'hour', other: 'hours' }),
  now: 'Now',
  none: 'No status is set.',
  set: 'Set a status',
  change: 'Change the status',
  clear: 'Clear the status',
  saved: 'The status was saved.',
}
