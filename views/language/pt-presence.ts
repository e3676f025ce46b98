/** Portuguese: what people say of themselves beside their presence. */
import type { enPresence } from './en-presence.ts'
import { counting } from './plural.ts'

const count = counting('pt')

export const ptPresence: typeof enPresence = {
  title: 'Estado',
  hint: 'Os colegas de todas as filiais veem-no ao lado do seu nome.',
  text: 'Texto do estado',
  doNotDisturb: 'não incomodar',
  doNotDisturbLabel: 'Não incomodar',
  end: 'Durante quanto tempo',
  untilChanged: 'até eu o mudar',
  until: (time) => `até ${time}`,
  minutes: (n) => count(n, { one: 'minuto', other: 'minutos' }),
  hours: (n) => count(n, { one: 'hora', other: 'horas' }),
  now: 'Agora',
  none: 'Não há estado definido.',
  set: 'Definir um estado',
  change: 'Mudar o estado',
  clear: 'Limpar o estado',
  saved: 'O estado foi guardado.',
}
