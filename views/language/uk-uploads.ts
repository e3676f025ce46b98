/** Ukrainian: sending files. */
import type { enUploads } from './en-uploads.ts'

export const ukUploads: typeof enUploads = {
  attach: 'Додати файли',
  title: (chat) => `Файли для чату ${chat}`,
  choose: 'Файли',
  text: 'Кілька слів (не обов’язково)',
  send: 'Надіслати',
  limit: (size) => `Один файл — щонайбільше ${size}.`,
  smaller: (branch, size) => `${branch} приймає щонайбільше ${size}: більший туди не надійде.`,
  left: (size) => `У вас є місце ще для ${size}.`,
  refused: (types) => `У цій організації не надсилають: ${types}`,
  together: (size: string) =>
    `Для цього файла поряд з іншими немає місця: на всі разом лишилося ${size}.`,
  dropHere: 'Відпустіть файли тут',
  waiting: 'чекає своєї черги',
  noLine: 'немає зв’язку з сервером: продовжиться саме',
  goesOn: 'триває',
  checkingFile: 'зберігається',
  ready: 'готовий до надсилання',
  remove: 'Прибрати',
  again: 'Спробувати ще раз',
  sendsWhenReady: 'Повідомлення піде, щойно файли будуть тут.',
  takeAwayFirst: 'Спершу приберіть його: тоді повідомлення піде.',
  elsewhere: (branch) => (branch === '' ? 'в іншій філії' : `у філії ${branch}`),
  removed: 'видалено',
  checking: 'ще не перевірено на віруси',
  unchecked: 'не вдалося перевірити на віруси',
  infected: 'заражений: ніхто не може його відкрити',
  kinds: {
    image: 'зображення',
    audio: 'звук',
    video: 'відео',
    pdf: 'документи PDF',
    text: 'простий текст',
  },
}
