/** English: files that were sent, as they are shown. The shape of this file is the list of all sentences. */

export const enShared = {
  title: 'Media, files and links',
  of: (chat: string) => `Media, files and links of ${chat}`,
  media: 'Media',
  files: 'Files',
  links: 'Links',
  empty: {
    media: {
      title: 'No media yet',
      text: 'Pictures, sound and video that somebody sends in this chat will stand here.',
    },
    files: {
      title: 'No files yet',
      text: 'Documents and other files that somebody sends in this chat will stand here.',
    },
    links: {
      title: 'No links yet',
      text: 'Addresses of web pages that somebody writes in this chat will stand here.',
    },
  },
  toChat: 'Go to the chat',
  older: 'Older ones',
  arriving: (percent: number) => `arriving, ${percent}\u00a0%`,
  going: (branch: string, percent: number) => `to ${branch}: ${percent}\u00a0%`,
  save: 'Save',
  alone: 'Open on a page of its own',
  previous: 'Previous',
  next: 'Next',
  cut: (size: string) => `Only the first ${size} are shown here.`,
  notShown: 'Browsers do not show files of this kind. Save it to open it.',
  waits: { line: 'comes by itself', room: 'waits for room on the disk' },
  place: (branch: string) => (branch === '' ? 'It is at another branch.' : `It is in ${branch}.`),
  comes: 'It comes by itself.',
  come: (percent: number) => `${percent}\u00a0% of it is here.`,
  lineDown: (branch: string, since: string) =>
    `The line to ${branch} is down since ${since}: it comes when the line returns.`,
  lineDownOver: (branch: string, since: string, over: string) =>
    `The line to ${branch} is down since ${since}: it comes over ${over}.`,
  noLine: (branch: string) => `There is no line to ${branch} now: it comes when there is one.`,
  diskFull: 'The disk of this branch has no room for it: it comes when there is room.',
  tooLarge: 'It is larger than this branch takes, so it does not come here.',
  lookAgain: 'Look again',
  closed: {
    checking: 'It opens as soon as it has been checked for viruses.',
    unchecked: 'It could not be checked for viruses, so it stays closed. Ask an administrator.',
    infected: 'A virus was found in it. Nobody can open it.',
    removed: 'It was taken out of its message.',
  },
  remove: 'Remove',
  receipts: 'Branches that hold it no more',
  notYetGone: 'not yet',
}
