/** English: sending files. The shape of this file is the list of all sentences. */

export const enUploads = {
  attach: 'Attach files',
  title: (chat: string) => `Files for ${chat}`,
  choose: 'Files',
  text: 'A few words (not needed)',
  send: 'Send',
  limit: (size: string) => `At most ${size} for one file.`,
  smaller: (branch: string, size: string) =>
    `${branch} takes at most ${size}: a larger one does not arrive there.`,
  left: (size: string) => `You have room for ${size} more.`,
  refused: (types: string) => `Not sent in this organisation: ${types}`,
  together: (size: string) =>
    `No room for this file beside the others: ${size} are free for all together.`,
  dropHere: 'Drop the files here',
  waiting: 'waits for its turn',
  noLine: 'no line to the server: goes on by itself',
  goesOn: 'goes on',
  checkingFile: 'is being put away',
  ready: 'ready to send',
  remove: 'Take away',
  again: 'Try again',
  sendsWhenReady: 'The message goes as soon as the files are here.',
  takeAwayFirst: 'Take it away first: then the message goes.',
  unfinished: 'Not sent yet: choose the file again, and it goes on from here.',
  chooseAgain: 'Choose again',
  elsewhere: (branch: string) => (branch === '' ? 'at another branch' : `in ${branch}`),
  removed: 'was removed',
  checking: 'not checked for viruses yet',
  unchecked: 'could not be checked for viruses',
  infected: 'infected: nobody can open it',
  /** What a rule about types names, told by what is in a file. */
  kinds: {
    image: 'pictures',
    audio: 'sound',
    video: 'video',
    pdf: 'PDF documents',
    text: 'plain text',
  },
}
