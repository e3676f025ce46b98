/** Portuguese: files that were sent, as they are shown. */
import type { enShared } from './en-shared.ts'

export const ptShared: typeof enShared = {
  title: 'Multimédia, ficheiros e ligações',
  of: (chat) => `Multimédia, ficheiros e ligações de ${chat}`,
  media: 'Multimédia',
  files: 'Ficheiros',
  links: 'Ligações',
  empty: {
    media: {
      title: 'Ainda não há multimédia',
      text: 'As imagens, o som e o vídeo que alguém enviar nesta conversa aparecem aqui.',
    },
    files: {
      title: 'Ainda não há ficheiros',
      text: 'Os documentos e outros ficheiros que alguém enviar nesta conversa aparecem aqui.',
    },
    links: {
      title: 'Ainda não há ligações',
      text: 'Os endereços de páginas que alguém escrever nesta conversa aparecem aqui.',
    },
  },
  toChat: 'Ir para a conversa',
  older: 'Mais antigos',
  arriving: (percent) => `a chegar, ${percent}\u00a0%`,
  going: (branch, percent) => `para ${branch}: ${percent}\u00a0%`,
  save: 'Guardar',
  alone: 'Abrir numa página própria',
  previous: 'Anterior',
  next: 'Seguinte',
  cut: (size) => `Aqui mostra-se só o início: ${size}.`,
  notShown: 'Os navegadores não mostram ficheiros deste tipo. Guarde-o para o abrir.',
  waits: { line: 'vem sozinho', room: 'espera por espaço no disco' },
  place: (branch) => (branch === '' ? 'Está noutra filial.' : `Está em ${branch}.`),
  comes: 'Vem sozinho.',
  come: (percent) => `Já cá estão ${percent}\u00a0%.`,
  lineDown: (branch, since) =>
    `A linha para ${branch} está em baixo desde ${since}: vem quando a linha voltar.`,
  lineDownOver: (branch, since, over) =>
    `A linha para ${branch} está em baixo desde ${since}: vem por ${over}.`,
  noLine: (branch) => `Agora não há linha para ${branch}: vem assim que houver.`,
  diskFull: 'O disco desta filial não tem espaço para ele: vem quando houver.',
  tooLarge: 'É maior do que esta filial aceita, por isso não vem para cá.',
  lookAgain: 'Ver de novo',
  closed: {
    checking: 'Abre assim que for verificado contra vírus.',
    unchecked:
      'Não foi possível verificá-lo contra vírus; fica fechado. Fale com um administrador.',
    infected: 'Foi encontrado um vírus. Ninguém o pode abrir.',
    removed: 'Foi retirado da mensagem.',
  },
  remove: 'Remover',
  receipts: 'Filiais que já não o têm',
  notYetGone: 'ainda não',
}
