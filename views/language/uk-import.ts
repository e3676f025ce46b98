/** Ukrainian: importing people from a table, and what may be wrong with it. */
import type { enImport, enImportProblems } from './en-import.ts'
import { counting } from './plural.ts'

const count = counting('uk')

type Values = Record<string, string | number>
type Sentence = (values: Values) => string

export const ukImport: typeof enImport = {
  title: 'Імпорт людей',
  lead: 'Таблиця з електронних таблиць, збережена як CSV. Спершу видно, що станеться; без вашої згоди нічого не зміниться.',
  open: 'Імпорт',
  export: 'Експорт',
  file: 'Файл',
  fileHint: (max: number, lines: number) =>
    `CSV з рядком назв стовпців, до ${max} МБ і ${lines} рядків.`,
  columns: 'Стовпці',
  columnsText:
    'Потрібні: login, а для нових людей firstName. Інші: branch, lastName, department, post, phone, room, role, language. Змінюються лише ті стовпці, що є; порожня клітинка спорожнює поле, крім role і language. Кого в таблиці немає, той лишається як був.',
  renew: 'Нові тимчасові паролі також для тих, кого імпортовано раніше і хто ще не входив',
  showButton: 'Показати, що станеться',
  encoding: 'Літери',
  automatic: 'визначити',
  guess: (name: string) =>
    `Прочитано як ${name}, і це здогад: перевірте імена, а якщо вони неправильні, виберіть інше.`,
  readAs: (name: string) => `Прочитано як ${name}.`,
  readAgain: 'Прочитати знову',
  kinds: { create: 'Нові', change: 'Змінені', same: 'Без змін', refused: 'Відхилені' },
  line: 'Рядок',
  outcome: 'Що станеться',
  none: 'Таких рядків немає.',
  password: 'новий тимчасовий пароль',
  doButton: (n) =>
    `Імпортувати ${count(n, { one: 'людину', few: 'людини', many: 'людей', other: 'людини' })}`,
  doText: 'Відхилені рядки пропускаються. Що тим часом змінилося, не виконується, а показується.',
  nothing: 'Робити нічого.',
  another: 'Інший файл',
  running: 'Імпорт триває',
  runningText: (done: number, all: number) => `${done} з ${all} рядків`,
  done: 'Імпорт виконано',
  failed:
    'Імпорт зупинився до кінця. Виконані рядки збережено: імпортуйте той самий файл ще раз, щоб виконати решту.',
  slips: 'Тимчасові паролі',
  slipsText: (n: number) =>
    `Тимчасові паролі чекають на друк: ${n}. Їх показують один раз і ніде не зберігають; за 30 хвилин або коли сервер зупиниться, їх буде забуто.`,
  slipsButton: 'Показати і надрукувати паролі',
  slipsGone:
    'Паролі вже показано або забуто. Для тих, хто ще не входив, імпортуйте той самий файл ще раз із позначкою.',
  slipText: 'Змініть пароль під час першого входу.',
  ldap: {
    title: 'LDAP',
    text: 'Паролі цих людей — з LDAP. Їх імпортують щоночі; блокування, зроблене вручну, не скасовується.',
    disabled: 'вимкнено',
    enabled: 'знову увімкнено',
    states: {
      done: 'виконано',
      stopped:
        'Виконано, але нікого не вимкнено: бракувало більше людей, ніж іде за ніч. Якщо так і має бути, запустіть user ldap --force.',
      failed: 'Не вдалося: причина в журналі.',
    },
  },
  /** Why a line is refused. */
  reasons: {
    moved: () => 'Змінилося після показу: покажіть знову',
    'not-yours': () => 'Ви не можете змінювати цю людину',
    elsewhere: ({ branch = '' }) => `Належить до філії ${branch}: змінюється там`,
    'login-missing': () => 'Немає логіна',
    'login-form': () => 'Логін не за правилами: 2–32 знаки a-z 0-9 . _ -',
    'login-twice': ({ line = '' }) => `Той самий логін у рядку ${line}`,
    'login-alike-here': ({ line = '', login = '' }) => `Схожий на ${login} у рядку ${line}`,
    'login-alike': ({ login = '' }) => `Схожий на логін ${login}`,
    'login-taken': () => 'Логін зайнятий',
    'login-lookalike': () => 'Схожий на інший логін',
    'person-disabled': () => 'Обліковий запис вимкнено: спершу увімкніть його на його сторінці',
    'role-unknown': ({ is = '' }) => `Немає ролі ${is}`,
    'role-not-yours': ({ role = '' }) => `Ви не можете надати роль ${role}`,
    'language-unknown': ({ is = '' }) => `Немає мови ${is}`,
    required: ({ column = '' }) => `Немає ${column}`,
    'too-long': ({ column = '', max = '' }) => `${column}: задовго, до ${max} знаків`,
    cells: ({ columns = '' }) => `Клітинок більше, ніж стовпців: ${columns}`,
    'last-admin': () => 'Це останній адміністратор',
    forbidden: () => 'Вам цього не можна',
    'invalid-input': () => 'Це не підходить',
    other: () => 'Не виконано',
  } as Record<string, Sentence>,
}

/** What is wrong with a whole file. */
export const ukImportProblems: typeof enImportProblems = {
  'file-empty': () => 'Файл порожній.',
  'file-workbook': () => 'Це робоча книга. Збережіть її як CSV і виберіть той файл.',
  'file-encoding': ({ encoding = '' }: Values) =>
    `Цей файл не ${encoding}. Виберіть інші літери або збережіть його як CSV в UTF-8.`,
  'encoding-unknown': () => 'Немає такого кодування.',
  'file-lines': ({ max = '' }: Values) => `У файлі понад ${max} рядків. Поділіть його.`,
  'quote-open': ({ line = '' }: Values) =>
    `Рядок ${line}: лапки не закрито або після них іде текст.`,
  'cell-long': ({ line = '' }: Values) => `Рядок ${line}: у клітинці понад 2000 знаків.`,
  'cells-many': ({ line = '' }: Values) => `Рядок ${line}: понад 100 клітинок.`,
  'column-unknown': ({ column = '' }: Values) =>
    `Немає стовпця «${column}». Чи перший рядок містить назви стовпців і чи правильні літери?`,
  'column-twice': ({ column = '' }: Values) => `Стовпець ${column} є двічі.`,
  'column-login': () => 'У першому рядку немає стовпця login.',
  'password-in-ldap': () => 'Це пароль вашого робочого комп’ютера. Змініть його там.',
  'import-busy': () => 'Триває інший імпорт. Зачекайте, доки він закінчиться.',
}
