/** Ukrainian: what administrators read about the network below the lines, and about the way of a message. */
import type { enNetwork } from './en-network.ts'
import { counting } from './plural.ts'

const count = counting('uk')

const agoUk = (seconds: number) =>
  `${count(seconds, { one: 'секунду', few: 'секунди', many: 'секунд', other: 'секунди' })} тому`

export const ukNetwork: typeof enNetwork = {
  announced: (seconds, address) => `озвалася ${agoUk(seconds)} за адресою ${address}`,
  trace: 'Де повідомлення?',
  traceText:
    'Для того, хто його загубив: де зараз повідомлення чи інша подія і коли вона там з’явилася. Що в ній написано, не показано.',
  traceId: 'Ідентифікатор або адреса повідомлення',
  traceIdHint: 'Автор знайде його в адресі шляху повідомлення або скопіює посилання з позначки.',
  traceButton: 'Знайти',
  traceNoId: 'Тут немає ідентифікатора. У ньому 32 цифри й літери від a до f.',
  traceUnknown:
    'Ця філія його ніколи не бачила. Запитайте у філії, де його написано, або перевірте, чи ідентифікатор повний.',
  traceKind: (kind, origin) => `${kind}, філія ${origin}`,
  traceWritten: (branch) => `Написано: ${branch}`,
  traceCame: 'Надійшло сюди',
  traceCameBy: (branch) => `Надійшло сюди через філію ${branch}`,
  traceStates: {
    parked: 'Чекає тут на те, що ще в дорозі',
    refused: 'Тут відхилено',
    erased: 'Стерто',
  },
  traceElsewhere: (branch) => `Що з ним сталося в інших філіях, знає філія ${branch}.`,
  traceHere: 'Воно не призначене для інших філій.',
  announcedHint:
    'Її чути, але лінія не відкривається: подивіться на останню помилку і чи не закриває брандмауер порт її ретранслятора.',
  title: 'ZeroTier на цьому сервері',
  text: 'Те, що каже його служба. Вона повторює це ще кілька хвилин після того, як інтернет зник: насправді важать лінії вище.',
  node: (address, version) => `Вузол ${address}, версія ${version}.`,
  online: 'Каже, що кореневий вузол досяжний.',
  offline: 'Жоден кореневий вузол не досяжний: чи є вихід в інтернет?',
  away: {
    'not-running': 'За адресою 127.0.0.1:9993 ніхто не відповідає: чи запущено zerotier-one?',
    'wrong-token':
      'Служба не приймає токен: чи файл у --zerotier-token-file є її authtoken.secret?',
    silent: 'Служба не відповіла вчасно.',
    'other-answer': 'За адресою 127.0.0.1:9993 відповідає не той ZeroTier, який тут знають.',
  },
  noNetwork: 'Не приєднано до жодної мережі.',
  noAddress: 'адреси ще немає',
  statuses: {
    OK: 'приєднано',
    REQUESTING_CONFIGURATION: 'чекає на контролер мережі',
    ACCESS_DENIED: 'не допущено: адміністратор мережі має дозволити цей вузол',
    NOT_FOUND: 'контролер не знає такої мережі: чи правильний номер?',
    PORT_ERROR: 'не вдалося створити інтерфейс',
    CLIENT_TOO_OLD: 'ця версія застара для мережі',
    AUTHENTICATION_REQUIRED: 'мережа вимагає входу',
  },
  network: 'Мережа',
  status: 'Стан',
  device: 'Інтерфейс',
  addresses: 'Адреси',
  peers: 'Інші вузли',
  peer: 'Вузол',
  path: 'Шлях',
  heard: 'Чути',
  latency: 'Затримка',
  relayed: 'через кореневий вузол',
  ago: agoUk,
}
