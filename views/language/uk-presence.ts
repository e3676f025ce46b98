/** Ukrainian: what people say of themselves beside their presence. */
import type { enPresence } from './en-presence.ts'
import { counting } from './plural.ts'

const count = counting('uk')

export const ukPresence: typeof enPresence = {
  title: 'Статус',
  hint: 'Колеги з усіх філій бачать його поруч із вашим ім’ям.',
  text: 'Текст статусу',
  doNotDisturb: 'не турбувати',
  doNotDisturbLabel: 'Не турбувати',
  end: 'Як довго',
  untilChanged: 'доки не зміню',
  until: (time) => `до ${time}`,
  minutes: (n) => count(n, { one: 'хвилина', few: 'хвилини', many: 'хвилин', other: 'хвилини' }),
  hours: (n) => count(n, { one: 'година', few: 'години', many: 'годин', other: 'години' }),
  now: 'Зараз',
  none: 'Статусу не задано.',
  set: 'Задати статус',
  change: 'Змінити статус',
  clear: 'Прибрати статус',
  saved: 'Статус збережено.',
}
