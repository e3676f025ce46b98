/** Ukrainian: what administrators read after the database was put back or lost. */
import type { enRecovery } from './en-recovery.ts'
import { counting } from './plural.ts'

const count = counting('uk')

export const ukRecovery: typeof enRecovery = {
  titles: {
    restored: 'Цю філію відновлено з копії',
    rebuilt: 'Цю філію зібрано заново за її ключами',
    'rolled-back': 'База даних цієї філії старіша, ніж була',
  },
  restored: (copyAt, at) => `Копію зроблено ${copyAt}; відновлено (${at}).`,
  rebuilt: (at) => `Почалося з порожньої бази даних (${at}).`,
  'rolled-back': (at) =>
    `Помічено (${at}): інша філія мала звідси більше, ніж було тут. Якщо ніхто не відновлював копію чи знімок, з’ясуйте, хто це зробив.`,
  cameBack: (n) =>
    `Від інших філій повернулося: ${count(n, { one: 'подія', few: 'події', many: 'подій', other: 'події' })} цієї філії.`,
  notHeard: 'Відтоді зв’язку не було: те, що є лише в них, ще надійде.',
  allHeard: 'Відтоді зв’язок був з усіма філіями.',
  lost: 'Що не повернеться',
  lostLocal: {
    restored: 'що люди цієї філії писали одне одному після того, як зроблено копію',
    rebuilt: 'що люди цієї філії писали одне одному',
    'rolled-back': 'що люди цієї філії писали одне одному за час, якого бракує',
  },
  lostUnsent: 'що написано до інших філій і до жодної ще не дійшло',
  lostSignIns: 'входи: усім треба ввійти знову',
  read: 'Прочитано',
  signIn:
    'Цю філію збирають заново. Облікові записи повернуться, щойно озветься інша філія; доти ввійти не можна.',
}
