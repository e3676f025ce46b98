/** Portuguese: what administrators read about the network below the lines, and about the way of a message. */
import type { enNetwork } from './en-network.ts'
import { counting } from './plural.ts'

const count = counting('pt')

export const ptNetwork: typeof enNetwork = {
  announced: (seconds, address) =>
    `anunciada há ${count(seconds, { one: 'segundo', other: 'segundos' })} em ${address}`,
  trace: 'Onde está uma mensagem?',
  traceText:
    'Para quem perdeu uma: onde está uma mensagem ou outro evento, com as horas. O que diz não é mostrado.',
  traceId: 'Identificador ou endereço da mensagem',
  traceIdHint:
    'Quem a escreveu encontra-o no endereço do caminho da mensagem, ou copia a ligação da marca.',
  traceButton: 'Procurar',
  traceNoId: 'Não há aí nenhum identificador. Tem 32 algarismos e letras de a a f.',
  traceUnknown:
    'Esta filial nunca a viu. Pergunte na filial onde foi escrita, ou veja se o identificador está completo.',
  traceKind: (kind, origin) => `${kind} de ${origin}`,
  traceWritten: (branch) => `Escrita em ${branch}`,
  traceCame: 'Chegou aqui',
  traceCameBy: (branch) => `Chegou aqui, levada por ${branch}`,
  traceStates: {
    parked: 'Espera aqui por algo que ainda vem a caminho',
    refused: 'Recusada aqui',
    erased: 'Apagada',
  },
  traceElsewhere: (branch) => `O que lhe aconteceu noutras filiais, sabe ${branch}.`,
  traceHere: 'Não é para ninguém de outra filial.',
  announcedHint:
    'Ouve-se, mas nenhuma linha abre: veja o último erro e se uma firewall mantém fechada a porta do seu retransmissor.',
  title: 'ZeroTier neste servidor',
  text: 'O que diz o seu serviço. Continua a dizê-lo durante minutos depois de a Internet desaparecer: o que conta são as linhas acima.',
  node: (address, version) => `Nó ${address}, versão ${version}.`,
  online: 'Diz que alcança uma raiz.',
  offline: 'Não alcança nenhuma raiz: há acesso à Internet?',
  away: {
    'not-running': 'Nada responde em 127.0.0.1:9993: o zerotier-one está a correr?',
    'wrong-token':
      'O serviço recusa o token: o ficheiro de --zerotier-token-file é o seu authtoken.secret?',
    silent: 'O serviço não respondeu a tempo.',
    'other-answer': 'O que responde em 127.0.0.1:9993 não é o ZeroTier que aqui se conhece.',
  },
  noNetwork: 'Não aderiu a nenhuma rede.',
  noAddress: 'ainda sem endereço',
  statuses: {
    OK: 'ligado à rede',
    REQUESTING_CONFIGURATION: 'espera pelo controlador da rede',
    ACCESS_DENIED: 'não admitido: o administrador da rede tem de autorizar este nó',
    NOT_FOUND: 'o controlador não conhece esta rede: o número está certo?',
    PORT_ERROR: 'não foi possível criar a interface',
    CLIENT_TOO_OLD: 'esta versão é antiga demais para a rede',
    AUTHENTICATION_REQUIRED: 'a rede exige autenticação',
  },
  network: 'Rede',
  status: 'Situação',
  device: 'Interface',
  addresses: 'Endereços',
  peers: 'Outros nós',
  peer: 'Nó',
  path: 'Caminho',
  heard: 'Ouvido',
  latency: 'Latência',
  relayed: 'através de uma raiz',
  ago: (seconds) => `há ${count(seconds, { one: 'segundo', other: 'segundos' })}`,
}
