/** Português: ficheiros como os administradores os veem, e tirar um de uma mensagem. */
import type { enFileAdmin } from './en-file-admin.ts'

export const ptFileAdmin: typeof enFileAdmin = {
  title: 'Ficheiros',
  room: 'Espaço',
  stored: {
    here: (n) => `Inteiros, nesta filial (${n})`,
    partial: (n) => `A chegar (${n})`,
    elsewhere: (n) => `Noutras filiais (${n})`,
  },
  free: 'Livre no disco',
  full: (n: number) => `O disco está cheio; ficheiros de outras filiais à espera de espaço: ${n}`,
  fullText:
    'Os últimos 256 MB ficam para as mensagens. Liberte espaço: os ficheiros vêm sozinhos num minuto.',
  limits: 'O maior ficheiro que cada filial aceita',
  people: 'Quem enviou mais',
  files: (n) => `ficheiros: ${n}`,
  scanner: 'Verificação contra vírus',
  noScanner: 'Ninguém verifica: a definição --scanner não foi dada.',
  scannerWorks: 'Responde.',
  scannerAway: 'Não responde desde',
  waiting: (n) => `À espera de verificação: ${n}`,
  closed: 'Fechados',
  closedText:
    'Ninguém pode abrir estes ficheiros nesta filial. O que não se conseguiu verificar era grande demais para o verificador ou fê-lo falhar.',
  file: 'Ficheiro',
  why: 'Porquê',
  when: 'Quando',
  actions: 'O que se pode fazer',
  infected: 'Foi encontrado um vírus:',
  failed: 'Não se conseguiu verificar:',
  scanAgain: 'Verificar de novo',
  remove: 'Remover da mensagem',
  rules: 'Regras da organização',
  refused: 'O que ninguém pode enviar',
  refusedHint:
    'Extensões, como exe js docm; tipos, como kind:video, pelo conteúdo do ficheiro. Um arquivo ou outro nome esconde o tipo.',
  nothing: 'nada',
  days: 'Dias até os ficheiros desaparecerem',
  daysHint: 'Contados desde a mensagem, que fica. 0: os ficheiros ficam tanto como as mensagens.',
  keptFor: (n) =>
    n === 0
      ? 'Os ficheiros ficam tanto como as mensagens.'
      : `Os ficheiros desaparecem ${n} dias depois de enviados.`,
  removals: 'Removidos',
  removalsText:
    'Cada filial diz por si quando já não tem os bytes. As filiais sem ligação fazem-no assim que souberem.',
  notYet: 'ainda não',
  goneAt: (n, of) => `Removido em ${n} de ${of} filiais`,
  removedBy: (name) => `por ${name}`,
  removeTitle: 'Remover este ficheiro?',
  removeText: (name) =>
    `${name} sai da mensagem, para todos e em todas as filiais. Ninguém o pode desfazer. O que alguém guardou noutro lado fica lá.`,
  removeButton: 'Remover o ficheiro',
}
