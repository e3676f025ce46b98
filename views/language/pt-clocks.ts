/** Portuguese: certificates that do not fit the clock. */
import type { ClockWords } from './clocks.ts'
import { counting } from './plural.ts'

const count = counting('pt')

export const ptClocks: ClockWords = {
  minutes: (n) => count(n, { one: 'minuto', other: 'minutos' }),
  hours: (n) => count(n, { one: 'hora', other: 'horas' }),
  days: (n) => count(n, { one: 'dia', other: 'dias' }),
  what: {
    link: {
      'not-yet': (span) => `Pelo relógio deste servidor o certificado só começa daqui a ${span}.`,
      expired: (span) => `Pelo relógio deste servidor o certificado terminou há ${span}.`,
    },
    issuer: {
      'not-yet': (span) =>
        `Pelo relógio deste servidor o direito de emitir só começa daqui a ${span}.`,
      expired: (span) => `Pelo relógio deste servidor o direito de emitir terminou há ${span}.`,
    },
  },
  records: (span) =>
    `O relógio deste servidor está ${span} atrás do seu registo mais recente: está atrasado agora ou esteve adiantado então.`,
  whose: {
    here: 'Provavelmente é o relógio deste servidor que está errado.',
    there: 'Provavelmente está errado o relógio da outra filial, ou o da filial que assinou.',
    unknown: 'Compare os relógios das duas filiais.',
    none: 'Os relógios concordam: não foi renovado a tempo.',
  },
}
