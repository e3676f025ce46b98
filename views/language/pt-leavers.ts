/** Português: o diretório de pessoas, onde valem os atos dos administradores, e eliminar pessoas. */
import type { enLeavers } from './en-leavers.ts'

export const ptLeavers: typeof enLeavers = {
  deletedPerson: (n) => `Pessoa eliminada ${n}`,
  messageErased: 'Esta mensagem foi apagada com o seu autor.',

  receipts: 'Onde vale',
  receiptsHint:
    'As filiais sem ligação fazem-no assim que souberem. Recarregue a página para ver mais.',
  holdsAt: {
    disabled: (n, of) => `Desativada em ${n} de ${of} filiais`,
    enabled: (n, of) => `Ativada em ${n} de ${of} filiais`,
    role: (n, of) => `Função conhecida em ${n} de ${of} filiais`,
    password: (n, of) => `Palavra-passe substituída em ${n} de ${of} filiais`,
    erase: (n, of) => `Apagada em ${n} de ${of} filiais`,
  },
  holdsHere: {
    disabled: (origin) => `Desativada aqui por ${origin}, que sabe onde mais`,
    enabled: (origin) => `Ativada aqui por ${origin}, que sabe onde mais`,
    role: (origin) => `Função dada por ${origin}, que sabe onde mais vale`,
    password: (origin) => `Palavra-passe substituída por ${origin}, que sabe onde mais`,
    erase: (origin) => `Apagada aqui por ${origin}`,
  },
  doneBy: (by, origin) =>
    by === undefined ? `por um operador em ${origin}` : `por ${by} em ${origin}`,
  since: 'desde',
  working: 'chegou e está a ser feito',
  refused: 'recusado lá:',
  onTheWay: 'a caminho',
  notReachable: 'inacessível desde',

  erase: 'Eliminar para sempre',
  eraseText: (name) =>
    `${name} passa a «Pessoa eliminada» em todas as filiais: nome, foto, departamento, cargo, telefone, sala, contactos, palavra-passe e sessões são destruídos. Ninguém o pode desfazer. O nome de utilizador nunca é dado a outra pessoa.`,
  eraseLater:
    'As filiais inacessíveis fazem-no assim que souberem. As cópias da base de dados guardam o que têm até expirarem; uma que seja reposta apaga de novo assim que souber. As denúncias e exportações feitas antes ficam.',
  eraseMessages: 'Mensagens escritas por esta pessoa',
  keepMessages: 'Guardá-las, sob «Pessoa eliminada»',
  dropMessages: 'Destruir também os textos',
  eraseConfirm: (login) => `Para confirmar, escreva ${login}`,
  eraseButton: 'Eliminar esta pessoa para sempre',
  erasedText: 'Esta pessoa foi eliminada. O nome de utilizador continua ocupado.',
  messagesKept: 'As mensagens foram guardadas.',
  messagesErased: 'Os textos das mensagens também foram destruídos.',
  loginTaken: 'Nome de utilizador, ocupado para sempre',

  ask: 'Eliminar o meu perfil',
  askText:
    'Pode pedir que o seu perfil seja eliminado. Um administrador da sua filial decide e pode guardar as suas mensagens, sem o seu nome. Até lá nada muda.',
  askButton: 'Pedir a eliminação',
  asked: (at) => `Pediu a eliminação do seu perfil: ${at}. Um administrador decidirá.`,
  unaskButton: 'Já não quero isso',
  askedByPerson: (name, at) => `${name} pediu para ser eliminada: ${at}.`,

  title: 'Saídas e visitantes',
  requests: 'Quem pede para ser eliminado',
  noRequests: 'Ninguém.',
  guests: 'Visitantes com sessão nesta filial',
  guestsText:
    'A sessão de um visitante termina sozinha quando a filial de origem não é ouvida há 14 dias, os direitos de administrador após 24 horas.',
  noGuests: 'Nenhum visitante tem sessão aqui.',
  guestOf: (branch) => `da filial ${branch}`,
  homeLinked: 'filial de origem ligada',
  homeNotHeard: (since) => `filial de origem não ouvida desde ${since}`,
  signInEnds: (at) => `a sessão termina o mais tardar em ${at}`,
  adminEnds: (at) => `administrador até ${at}`,
  adminEnded: 'agora não é administrador',
  deleted: 'Pessoas eliminadas',
  noDeleted: 'Ainda ninguém foi eliminado.',
  erasedAt: (n, of) => `apagada em ${n} de ${of} filiais`,
  alike: 'Nomes de utilizador parecidos',
  alikeText:
    'Podem ser criados por filiais sem ligação entre si. Ambos ficam. Avise as pessoas e escreva nome@filial.',
  noAlike: 'Nenhuns.',
  alikeTo: (others) =>
    `Este nome confunde-se facilmente com ${others}: foi criado enquanto as filiais estavam sem ligação. Ambos ficam.`,

  people: 'Pessoas',
  findPeople: 'Procurar',
  findHint: 'Nome, utilizador, departamento, cargo, telefone ou sala; também utilizador@filial.',
  anyBranch: 'Todas as filiais',
  department: 'Departamento',
  anyDepartment: 'Todos os departamentos',
  show: 'Mostrar',
  nobody: 'Ninguém corresponde. Tente uma parte mais curta do nome ou outra filial.',
  found: 'Pessoas encontradas',
  first: 'Do início',
  card: 'Cartão da pessoa',
  write: 'Escrever',
  add: 'Juntar às minhas conversas',
  you: 'É você',
  fromBranch: (branch, since) =>
    `${branch} está inacessível desde ${since}: o que vê é dessa altura.`,
}
