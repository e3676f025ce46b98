/** Portuguese: what people read about their contacts, blocks and histories, and auditors about reports. */
import type { enContacts } from './en-contacts.ts'
import { counting } from './plural.ts'

const count = counting('pt')

export const ptContacts: typeof enContacts = {
  menu: 'Esta conversa',
  clear: 'Limpar o meu histórico',
  clearText:
    'Tudo o que está nesta conversa até agora desaparece para si, onde quer que entre. Os outros ficam com tudo. Não é possível desfazer.',
  remove: 'Eliminar o contacto',
  removeText: (name) =>
    `${name} sai da sua lista e não é avisado. Nada se perde: a conversa volta com a próxima mensagem, ou quando adicionar ${name} de novo.`,
  block: 'Bloquear',
  blockOf: (name) => `Bloquear ${name}`,
  blockText: (name) =>
    `${name} deixa de lhe poder escrever aqui, e fica a sabê-lo quando tentar. O que foi escrito continua legível para ambos. Nos grupos vê que ${name} escreveu, e abre a mensagem se quiser.`,
  unblock: 'Voltar a receber mensagens',
  folded: 'Mensagem de alguém que bloqueou',
  storyBlocked: (name) => `Recusada: ${name} tinha-o bloqueado`,
  done: {
    cleared: 'O seu histórico desta conversa está limpo.',
    removed: 'O contacto foi eliminado.',
    blocked: 'Bloqueado. Já não se recebem mensagens.',
    unblocked: 'As mensagens voltam a ser recebidas.',
    reported: 'A denúncia vai a caminho dos auditores.',
  },
  report: 'Denunciar aos auditores',
  reportText:
    'Escolha as mensagens e diga o que está mal. Os auditores recebem uma cópia assinada que já ninguém pode alterar, mesmo que uma mensagem seja depois eliminada. Mais ninguém é avisado.',
  reportMessages: 'Mensagens',
  reportNote: 'O que está mal',
  reportButton: 'Enviar a denúncia',
  reportMax: (n) => `No máximo ${count(n, { one: 'mensagem', other: 'mensagens' })} de cada vez.`,
  reportEmpty: 'Nesta conversa não há nada para denunciar.',
  export: 'Exportar com prova',
  reports: {
    title: 'Denúncias',
    text: 'O que as pessoas denunciaram, com as mensagens tal como foram assinadas. Cada abertura de uma denúncia fica registada.',
    none: 'Nada foi denunciado.',
    organisation:
      'Os ficheiros exportados verificam-se com o comando report verify. Este mostra o identificador da organização; o nosso é:',
    who: 'Denunciado por',
    chat: 'Conversa',
    when: 'Quando',
    messages: 'Mensagens',
    state: 'Estado',
    open: 'aberta',
    closed: 'fechada',
    onWay: 'ainda a chegar',
    of: (name) => `Denúncia de ${name}`,
    note: 'Nota',
    noNote: 'Sem nota.',
    verified: (branch) => `assinatura da filial ${branch} verificada`,
    unverified: {
      'unknown-branch': 'não pode ser verificada: a filial que assinou não é conhecida aqui',
      altered: 'não verificada: não é isto que a filial assinou',
    },
    inChat: (title) => `em ${title}`,
    arriving: (n, of) => `Chegaram até agora ${n} de ${of} mensagens.`,
    export: 'Exportar com prova',
    history: 'O que foi decidido',
    closedBy: (name) => `Fechada por ${name}`,
    openedBy: (name) => `Reaberta por ${name}`,
    decision: 'A sua nota',
    closeButton: 'Fechar a denúncia',
    openButton: 'Reabrir',
    back: 'Todas as denúncias',
  },
}
