/** Portuguese: what administrators read after the database was put back or lost. */
import type { enRecovery } from './en-recovery.ts'
import { counting } from './plural.ts'

const count = counting('pt')

export const ptRecovery: typeof enRecovery = {
  titles: {
    restored: 'Esta filial foi reposta a partir de uma cópia',
    rebuilt: 'Esta filial foi refeita a partir das suas chaves',
    'rolled-back': 'A base de dados desta filial é mais antiga do que era',
  },
  restored: (copyAt, at) => `A cópia é de ${copyAt}; foi reposta (${at}).`,
  rebuilt: (at) => `Começou com uma base de dados vazia (${at}).`,
  'rolled-back': (at) =>
    `Notado (${at}): outra filial tinha daqui mais do que aqui havia. Se ninguém repôs uma cópia ou um instantâneo, descubra quem o fez.`,
  cameBack: (n) =>
    `De outras filiais ${n === 1 ? 'voltou' : 'voltaram'} ${count(n, { one: 'evento', other: 'eventos' })} desta filial.`,
  notHeard: 'Sem ligação desde então: o que só elas têm ainda está por vir.',
  allHeard: 'Desde então houve ligação com todas as filiais.',
  lost: 'O que não volta',
  lostLocal: {
    restored: 'o que as pessoas desta filial escreveram entre si depois da cópia',
    rebuilt: 'o que as pessoas desta filial escreveram entre si',
    'rolled-back': 'o que as pessoas desta filial escreveram entre si no tempo em falta',
  },
  lostUnsent: 'o que foi escrito para outras filiais e não tinha chegado a nenhuma',
  lostSignIns: 'as sessões: todos entram de novo',
  read: 'Li',
  backup: 'Cópia de segurança',
  lastBackup: (at) => `A cópia mais recente desta filial que pode ser reposta: ${at}.`,
  noBackup:
    'Não há cópia desta filial que possa ser reposta. O que as pessoas daqui escrevem entre si não está em mais lado nenhum: o comando backup faz uma com o servidor a funcionar.',
  signIn:
    'Esta filial está a ser refeita. As contas voltam assim que outra filial responder; até lá ninguém pode entrar.',
}
