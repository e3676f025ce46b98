/** Portuguese: sending files. */
import type { enUploads } from './en-uploads.ts'

export const ptUploads: typeof enUploads = {
  attach: 'Anexar ficheiros',
  title: (chat) => `Ficheiros para ${chat}`,
  choose: 'Ficheiros',
  text: 'Algumas palavras (facultativo)',
  send: 'Enviar',
  limit: (size) => `No máximo ${size} por ficheiro.`,
  smaller: (branch, size) => `${branch} aceita no máximo ${size}: um maior não chega lá.`,
  left: (size) => `Tem espaço para mais ${size}.`,
  refused: (types) => `Nesta organização não se enviam: ${types}`,
  together: (size: string) =>
    `Não há espaço para este ficheiro com os outros: restam ${size} para todos.`,
  dropHere: 'Largue os ficheiros aqui',
  waiting: 'espera a sua vez',
  noLine: 'sem ligação ao servidor: continua sozinho',
  goesOn: 'continua',
  checkingFile: 'está a ser guardado',
  ready: 'pronto a enviar',
  remove: 'Retirar',
  again: 'Tentar de novo',
  sendsWhenReady: 'A mensagem segue assim que os ficheiros estiverem aqui.',
  takeAwayFirst: 'Retire-o primeiro: depois a mensagem segue.',
  elsewhere: (branch) => (branch === '' ? 'noutra filial' : `em ${branch}`),
  removed: 'foi removido',
  checking: 'ainda não verificado contra vírus',
  unchecked: 'não foi possível verificar contra vírus',
  infected: 'infetado: ninguém o pode abrir',
  kinds: {
    image: 'imagens',
    audio: 'som',
    video: 'vídeo',
    pdf: 'documentos PDF',
    text: 'texto simples',
  },
}
