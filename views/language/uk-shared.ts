/** Ukrainian: files that were sent, as they are shown. */
import type { enShared } from './en-shared.ts'

export const ukShared: typeof enShared = {
  title: 'Медіа, файли й посилання',
  of: (chat) => `Медіа, файли й посилання чату ${chat}`,
  media: 'Медіа',
  files: 'Файли',
  links: 'Посилання',
  empty: {
    media: 'Тут будуть зображення, звук і відео цього чату.',
    files: 'Тут будуть документи та інші файли цього чату.',
    links: 'Тут будуть адреси вебсторінок із повідомлень цього чату.',
  },
  older: 'Давніші',
  arriving: (percent) => `надходить, ${percent} %`,
  going: (branch, percent) => `до філії ${branch}: ${percent} %`,
  save: 'Зберегти',
  alone: 'Відкрити окремою сторінкою',
  previous: 'Попереднє',
  next: 'Наступне',
  cut: (size) => `Тут показано лише перші ${size}.`,
  notShown: 'Браузери не показують таких файлів. Збережіть його, щоб відкрити.',
  waits: { line: 'надійде сам', room: 'чекає місця на диску' },
  place: (branch) => (branch === '' ? 'Файл в іншій філії.' : `Файл у філії ${branch}.`),
  comes: 'Він надійде сам.',
  come: (percent) => `Тут уже ${percent} %.`,
  lineDown: (branch, since) =>
    `Лінії до філії ${branch} немає з ${since}: він надійде, коли лінія повернеться.`,
  lineDownOver: (branch, since, over) =>
    `Лінії до філії ${branch} немає з ${since}: він надійде через ${over}.`,
  noLine: (branch) => `Лінії до філії ${branch} зараз немає: він надійде, щойно вона буде.`,
  diskFull: 'На диску цієї філії немає для нього місця: він надійде, коли місце буде.',
  tooLarge: 'Він більший, ніж приймає ця філія, тому сюди не надійде.',
  lookAgain: 'Подивитися ще раз',
  closed: {
    checking: 'Він відкриється, щойно його перевірять на віруси.',
    infected: 'У ньому знайдено вірус. Ніхто не може його відкрити.',
    removed: 'Його прибрали з повідомлення.',
  },
  remove: 'Прибрати',
  receipts: 'Філії, де його вже немає',
  notYetGone: 'ще є',
}
