/** English: what people read about their contacts, blocks and histories, and auditors about reports. */
import { counting } from './plural.ts'

const count = counting('en')

export const enContacts = {
  menu: 'This chat',
  clear: 'Clear my history',
  clearText:
    'Everything in this chat up to now disappears for you, wherever you sign in. The others keep it. This cannot be undone.',
  remove: 'Delete the contact',
  removeText: (name: string) =>
    `${name} goes from your list and is told nothing. Nothing is lost: the chat comes back with the next message, or when you add ${name} again.`,
  block: 'Block',
  blockOf: (name: string) => `Block ${name}`,
  blockText: (name: string) =>
    `${name} can no longer write to you here, and is told so when trying. What was written stays readable to you both. In groups you see that ${name} wrote, and open the message if you want.`,
  unblock: 'Take messages again',
  folded: 'Message of somebody you have blocked',
  storyBlocked: (name: string) => `Refused: ${name} had blocked you`,
  done: {
    cleared: 'Your history of this chat is cleared.',
    removed: 'The contact is deleted.',
    blocked: 'Blocked. No messages are taken any more.',
    unblocked: 'Messages are taken again.',
    reported: 'The report is on its way to the auditors.',
  },
  report: 'Report to the auditors',
  reportText:
    'Choose the messages and say what is wrong. The auditors get a signed copy that nobody can change any more, also if a message is deleted later. Nobody else is told.',
  reportMessages: 'Messages',
  reportNote: 'What is wrong',
  reportButton: 'Send the report',
  reportMax: (n: number) => `At most ${count(n, { one: 'message', other: 'messages' })} at once.`,
  reportEmpty: 'There is nothing in this chat to report.',
  export: 'Export with proof',
  reports: {
    title: 'Reports',
    text: 'What people reported, with the messages as they were signed. Each time somebody opens a report, that is noted.',
    none: 'Nothing was reported.',
    organisation:
      'Exported files are checked by the command report verify. It prints the id of the organisation; this is ours:',
    who: 'Reported by',
    chat: 'Chat',
    when: 'When',
    messages: 'Messages',
    state: 'State',
    open: 'open',
    closed: 'closed',
    onWay: 'still arriving',
    of: (name: string) => `Report of ${name}`,
    note: 'Note',
    noNote: 'No note.',
    verified: (branch: string) => `signature of branch ${branch} verified`,
    unverified: {
      'unknown-branch': 'cannot be verified: the branch that signed it is not known here',
      altered: 'not verified: this is not what its branch signed',
    },
    inChat: (title: string) => `in ${title}`,
    arriving: (n: number, of: number) => `${n} of ${of} messages have arrived so far.`,
    export: 'Export with proof',
    history: 'What was decided',
    closedBy: (name: string) => `Closed by ${name}`,
    openedBy: (name: string) => `Opened again by ${name}`,
    decision: 'Your note',
    closeButton: 'Close the report',
    openButton: 'Open it again',
    back: 'All reports',
  },
}
