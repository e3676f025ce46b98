/** English: files as administrators see them, and taking one out of a message. */

export const enFileAdmin = {
  title: 'Files',
  room: 'Room',
  stored: {
    here: (n: number) => `Whole, at this branch (${n})`,
    partial: (n: number) => `Arriving (${n})`,
    elsewhere: (n: number) => `At other branches (${n})`,
  },
  free: 'Free on the disk',
  full: (n: number) => `The disk is full; files of other branches that wait for room: ${n}`,
  fullText:
    'The last 256 MB are kept for messages. Make room: the files come by themselves within a minute.',
  limits: 'Largest file each branch takes',
  people: 'Who sent most',
  files: (n: number) => `files: ${n}`,
  scanner: 'Check for viruses',
  noScanner: 'Nobody looks: the setting --scanner is not given.',
  scannerWorks: 'It answers.',
  scannerAway: 'It does not answer since',
  waiting: (n: number) => `Waiting to be checked: ${n}`,
  closed: 'Kept closed',
  closedText:
    'Nobody can open these files at this branch. What could not be checked was too large for the scanner, or made it fail.',
  file: 'File',
  why: 'Why',
  when: 'When',
  actions: 'What can be done',
  infected: 'A virus was found:',
  failed: 'Could not be checked:',
  scanAgain: 'Check again',
  remove: 'Remove from its message',
  rules: 'Rules of the organisation',
  refused: 'Types nobody may send',
  refusedHint:
    'Endings, as exe js docm; kinds, as kind:video, by what is in the file. An archive or another name hides a type.',
  nothing: 'none',
  days: 'Days until files go',
  daysHint: 'Counted from the message, which stays. 0: files stay as long as their messages.',
  keptFor: (n: number) =>
    n === 0 ? 'Files stay as long as their messages.' : `Files go ${n} days after they were sent.`,
  removals: 'Taken away',
  removalsText:
    'Each branch says so itself when it holds the bytes no more. Branches without a line do it as soon as they hear of it.',
  notYet: 'not yet',
  goneAt: (n: number, of: number) => `Gone at ${n} of ${of} branches`,
  removedBy: (name: string) => `by ${name}`,
  removeTitle: 'Remove this file?',
  removeText: (name: string) =>
    `${name} goes from the message, for everybody and at every branch. Nobody can undo it. What somebody saved elsewhere stays there.`,
  removeButton: 'Remove the file',
}
