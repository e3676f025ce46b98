/** Portuguese: what went wrong. */
import type { enProblems } from './en-problems.ts'
import { counting } from './plural.ts'
import { ptImportProblems } from './pt-import.ts'
import { ptUploads } from './pt-uploads.ts'
import { refusedType } from './refused-type.ts'
import { byteWords } from './times.ts'

const count = counting('pt')
const limit = (bytes: unknown) => byteWords(Number(bytes ?? 0), 'pt', { isLimit: true })
const seconds = { one: 'segundo', other: 'segundos' }

export const ptProblems: typeof enProblems = {
  problems: {
    ...ptImportProblems,
    required: () => 'Preencha este campo.',
    'too-long': (v) => `No máximo ${v.max ?? 0} caracteres.`,
    'login-form': () =>
      'Um nome de utilizador tem 2 a 32 de a-z 0-9 . _ - e começa por letra ou algarismo.',
    'login-taken': () => 'Este nome já é ou já foi usado. Um nome nunca é dado duas vezes.',
    'login-lookalike': () => 'Este nome de utilizador é demasiado parecido com outro.',
    'login-ambiguous': () =>
      'Várias filiais conhecem este nome. Escreva-o com a filial: login@branch.',
    'password-short': () => 'Pelo menos 10 caracteres.',
    'password-long': () => 'No máximo 256 caracteres.',
    'password-common': () => 'É uma das palavras-passe que se tentam primeiro. Escolha outra.',
    'password-mismatch': () => 'As duas não são iguais.',
    'password-same': () => 'É a palavra-passe que já tem. Escolha outra.',
    'password-lost': (v) =>
      `Esta palavra-passe perdeu para outra, definida em ${v.branch ?? ''} às ${v.at ?? ''} (UTC), enquanto as filiais não tinham ligação. Entre com essa, ou peça uma nova a um administrador.`,
    'wrong-sign-in': () =>
      'Utilizador e palavra-passe não correspondem. Verifique a língua do teclado e o Caps Lock.',
    'wrong-password': () => 'Esta não é a sua palavra-passe atual.',
    'wrong-code': () =>
      'Este código não vale. Cada código da aplicação serve uma vez: espere pelo seguinte.',
    'factor-anew': () => 'Isto demorou demasiado. Comece de novo.',
    'factor-demanded': () => 'A sua função exige um segundo fator; não pode ser desligado.',
    'password-new': () =>
      'A sua palavra-passe do trabalho é nova. Saia, entre com ela e tente outra vez.',
    'factor-on': () => 'Já há um segundo fator ligado. Para configurar outro, desligue-o primeiro.',
    'factor-unreadable': () =>
      'Não é possível ler o seu segundo fator. Um administrador da sua filial pode removê-lo.',
    'pin-set': () => 'O PIN escolhe-se uma vez por sessão. Para outro, saia e entre de novo.',
    'pin-form': () => 'Um PIN tem 4 a 8 algarismos e não é uma série como 1111 ou 1234.',
    'wrong-pin': (v) => `Não é o PIN nem a palavra-passe. Tentativas que restam: ${v.left ?? 0}.`,
    'wrong-setup-code': () => 'Este não é o código que o servidor mostrou.',
    'invitation-unusable': () => 'O convite não está completo. Copie a linha inteira.',
    'invitation-used': () => 'Este convite já foi usado. Peça outro.',
    'invitation-expired': () => 'Este convite já não é válido. Peça outro.',
    'invitation-unreachable': () =>
      'A filial que convida não responde. Verifique a rede e tente outra vez.',
    'file-damaged': () =>
      'Este ficheiro está danificado nesta filial. Nada mais se perdeu; peça a quem o enviou que o envie de novo.',
    'file-wrong-key': () =>
      'A mensagem deste ficheiro indica uma chave errada e ninguém o pode abrir. Peça a quem o enviou que o envie de novo.',
    'not-here-yet': () =>
      'Este ficheiro ainda não está nesta filial. Vem quando a ligação o permitir.',
    'photo-unreadable': () => 'Esta imagem não se consegue ler. Servem JPEG, PNG e WebP.',
    'photo-large': () => 'A imagem é demasiado grande. Até 10 MB.',
    'message-empty': () => 'Ainda não há nada para enviar.',
    'message-long': (v) =>
      `${v.length ? `Isto tem ${v.length} caracteres; uma` : 'Uma'} mensagem tem no máximo ${v.max ?? 4000}. Nada foi enviado: encurte o texto ou envie-o por partes.`,
    'members-none': () => 'Escolha pelo menos uma pessoa.',
    blocked: (v) =>
      `${v.name || 'Esta pessoa'} não recebe mensagens suas. Nada foi enviado; o que foi escrito antes continua legível.`,
    'blocked-by-you': (v) =>
      `Bloqueou ${v.name || 'esta pessoa'}. Volte primeiro a receber mensagens; nada foi enviado.`,
    'block-self': () => 'Ninguém se bloqueia a si mesmo.',
    'report-empty': () => 'Escolha pelo menos uma mensagem.',
    'report-many': (v) => `No máximo ${v.max ?? 0} mensagens numa denúncia, por favor.`,
    'confirm-mismatch': (v) =>
      `Para confirmar, escreva exatamente ${v.expected ?? 'o utilizador'}.`,
    'last-admin': () => 'É o último administrador da filial. Nomeie outro primeiro.',
    'person-disabled': () => 'Esta conta está desativada.',
    'person-unknown': () => 'Esta pessoa não é conhecida aqui.',
    invalid: () => 'Isto não pode ser usado como está.',
    'language-unknown': () => 'Escolha uma das línguas.',
    'status-over': () => 'Esse fim já passou.',
    'status-far': () => 'No máximo um ano à frente, por favor.',
    'time-unknown': () => 'Escreva a hora assim: 2026-11-22T15:00:00Z.',
    'theme-unknown': () => 'Escolha um dos temas.',
    'role-unknown': () => 'Escolha uma das funções.',
    'members-many': (v) => `No máximo ${v.max ?? 0} membros.`,
    'owners-only': () => 'Só os responsáveis do grupo mudam quem lá está.',
    'kept-elsewhere': (v) =>
      `Os membros deste grupo são geridos em ${v.branch ?? ''}. É lá que se mudam.`,
    'profile-at-home': (v) => `O seu perfil está em ${v.branch ?? ''}. É lá que se muda.`,
    'home-silent': (v) =>
      `${v.branch ?? ''}, a sua filial, não dá sinal há demasiado tempo. Entre lá ou espere pela linha.`,
    'body-large': (v) => `O que enviou tem mais de ${v.max ?? 0} KiB.`,
    'cross-site': () => 'Isto veio de outro sítio, ou a página esteve aberta demasiado tempo.',
    'file-large': (v) => `O ficheiro é demasiado grande: o limite é ${limit(v.max)}.`,
    'files-many': (v) => `No máximo ${v.max ?? 0} ficheiros de cada vez, por favor.`,
    'file-not-whole': () => 'Um ficheiro ainda não está completo. Espere, ou retire-o.',
    'file-busy': () => 'O ficheiro ainda está a chegar por outro caminho. Tente daqui a pouco.',
    'file-offset': () => 'O ficheiro continua noutro ponto.',
    'disk-full': () =>
      'O disco do servidor da filial está cheio. Nada foi guardado; avise um administrador e tente de novo.',
    'branch-own': () =>
      'Uma filial não se pode revogar a si própria. Faça-o noutra filial que possa convidar.',
    'branch-issues': () => 'Esta filial já pode emitir.',
    'branch-revoked': () => 'Esta filial já está revogada.',
    'branch-unknown': () => 'Não há filial com este nome. Escreva-o como está na tabela.',
    'reason-unknown': () => 'Escolha um dos motivos.',
    streams: (v) =>
      `Tem ${v.max ?? 0} páginas abertas ao mesmo tempo, e não podem ser mais. Feche algumas.`,
    'too-fast': (v) =>
      `Está a escrever mais depressa do que esta filial permite a uma pessoa. O seu texto ficou guardado: envie-o de novo daqui a ${count(Number(v.seconds ?? 1), seconds)}.`,
    'too-many-tries': (v) =>
      `Demasiadas tentativas. Tente outra vez daqui a ${count(Number(v.seconds ?? 60), seconds)}.`,
    'file-infected': () => 'Foi encontrado um vírus neste ficheiro. Ninguém o pode abrir.',
    'file-checking': () =>
      'Este ficheiro está a ser verificado contra vírus. Tente daqui a um momento.',
    'file-not-checked': () =>
      'Não foi possível verificar este ficheiro contra vírus; fica fechado. Fale com um administrador.',
    'quota-full': (v) => `Não há espaço para este ficheiro: restam-lhe ${limit(v.left)}.`,
    'type-refused': (v) =>
      `Nesta organização não se enviam ficheiros deste tipo (${refusedType(v.type, ptUploads.kinds)}).`,
    'refused-form': () => 'Extensões sem ponto, como exe ou docm, ou kind:video e semelhantes.',
    'days-form': () => 'De 0 a 3650 dias.',
  },
  errors: {
    'invalid-input': {
      title: 'Algo no formulário não está certo',
      text: 'Algo no formulário não pode ser usado como está.',
      next: 'Nada foi mudado. Volte, corrija o campo assinalado e envie de novo.',
    },
    'not-signed-in': {
      title: 'Não tem sessão iniciada',
      text: 'A sua sessão terminou.',
      next: 'Tudo o que enviou está guardado. Entre de novo e continue.',
    },
    'password-change-required': {
      title: 'É preciso uma nova palavra-passe',
      text: 'A sua palavra-passe é temporária.',
      next: 'Escolha primeiro a sua; depois tudo se abre.',
    },
    'second-factor-required': {
      title: 'É preciso um segundo fator',
      text: 'A sua função exige um segundo fator.',
      next: 'Configure-o primeiro; depois tudo se abre.',
    },
    forbidden: {
      title: 'Isto não é para si',
      text: 'A sua função não o permite.',
      next: 'Nada foi mudado. Se precisar, fale com um administrador da sua filial.',
    },
    'not-found': {
      title: 'Aqui não há nada',
      text: 'O endereço está errado, ou o que aqui havia não é para si.',
      next: 'Nada se perdeu. Volte às suas conversas.',
    },
    conflict: {
      title: 'Alguém foi mais rápido',
      text: 'Isto foi mudado entretanto, ou já foi enviado com outro conteúdo.',
      next: 'Nada foi substituído. Carregue a página de novo e veja.',
    },
    'too-large': {
      title: 'É demasiado grande',
      text: 'O que enviou é maior do que esta filial aceita.',
      next: 'Nada disso ficou guardado. Envie algo mais pequeno ou por partes.',
    },
    'too-many': {
      title: 'Um pouco mais devagar',
      text: 'Foram feitos demasiados pedidos em pouco tempo.',
      next: 'Nada se perdeu. Espere um momento e tente outra vez.',
    },
    unavailable: {
      title: 'De momento não é possível',
      text: 'O servidor da filial está a iniciar, a parar ou à espera de algo.',
      next: 'Nada se perdeu. Tente outra vez daqui a pouco.',
    },
    bug: {
      title: 'O erro é nosso',
      text: 'O servidor não conseguiu terminar isto.',
      next: 'O que já estava guardado está seguro. Tente outra vez; se continuar, dê a um administrador o número abaixo.',
    },
  },
  errorWords: {
    incident: 'Número do incidente',
    wait: (n) => `Tente outra vez daqui a ${count(n, seconds)}.`,
  },
}
