/** English: the directory of people, where acts of administrators hold, and deleting people. */

export const enLeavers = {
  deletedPerson: (n: number) => `Deleted person ${n}`,
  messageErased: 'This message was erased with its author.',

  receipts: 'Where it holds',
  receiptsHint:
    'Branches without a line do it as soon as they hear of it. Load the page again to see more.',
  holdsAt: {
    disabled: (n: number, of: number) => `Disabled at ${n} of ${of} branches`,
    enabled: (n: number, of: number) => `Enabled at ${n} of ${of} branches`,
    role: (n: number, of: number) => `Role known at ${n} of ${of} branches`,
    password: (n: number, of: number) => `Password replaced at ${n} of ${of} branches`,
    erase: (n: number, of: number) => `Erased at ${n} of ${of} branches`,
  },
  holdsHere: {
    disabled: (origin: string) => `Disabled here by ${origin}, which knows where else`,
    enabled: (origin: string) => `Enabled here by ${origin}, which knows where else`,
    role: (origin: string) => `Role given by ${origin}, which knows where else it holds`,
    password: (origin: string) => `Password replaced by ${origin}, which knows where else`,
    erase: (origin: string) => `Erased here by ${origin}`,
  },
  doneBy: (by: string | undefined, origin: string) =>
    by === undefined ? `by an operator in ${origin}` : `by ${by} in ${origin}`,
  since: 'since',
  working: 'it has come there and is being done',
  refused: 'refused there:',
  onTheWay: 'on its way',
  notReachable: 'not reachable since',

  erase: 'Delete for ever',
  eraseText: (name: string) =>
    `${name} becomes “Deleted person” at every branch: name, photo, department, post, phone, room, contacts, password and sign-ins are destroyed. Nobody can undo it. The login is never given to anybody else.`,
  eraseLater:
    'Branches that cannot be reached do it as soon as they hear of it. Copies of the database keep what they hold until they expire; one that is put back erases again as soon as it hears. Reports and exports that were made before stay.',
  eraseMessages: 'Messages written by this person',
  keepMessages: 'Keep them, under “Deleted person”',
  dropMessages: 'Destroy their texts too',
  eraseConfirm: (login: string) => `To confirm, type ${login}`,
  eraseButton: 'Delete this person for ever',
  erasedText: 'This person was deleted. The login stays taken.',
  messagesKept: 'The messages were kept.',
  messagesErased: 'The texts of the messages were destroyed too.',
  loginTaken: 'Login, taken for ever',

  ask: 'Delete my profile',
  askText:
    'You can ask for your profile to be deleted. An administrator of your branch decides and may keep your messages, without your name. Until then nothing changes.',
  askButton: 'Ask for deletion',
  asked: (at: string) =>
    `You asked for your profile to be deleted on ${at}. An administrator will decide.`,
  unaskButton: 'I do not want that any more',
  askedByPerson: (name: string, at: string) => `${name} asked to be deleted on ${at}.`,

  title: 'Leavers and guests',
  requests: 'Who asks to be deleted',
  noRequests: 'Nobody.',
  guests: 'Guests signed in at this branch',
  guestsText:
    'A guest’s sign-in ends by itself when the home branch was not heard for 14 days, an administrator’s rights after 24 hours.',
  noGuests: 'No guest is signed in here.',
  guestOf: (branch: string) => `at home in ${branch}`,
  homeLinked: 'home branch linked',
  homeNotHeard: (since: string) => `home branch not heard since ${since}`,
  signInEnds: (at: string) => `sign-in ends on ${at} at the latest`,
  adminEnds: (at: string) => `administrator until ${at}`,
  adminEnded: 'no administrator now',
  deleted: 'Deleted people',
  noDeleted: 'Nobody was deleted yet.',
  erasedAt: (n: number, of: number) => `erased at ${n} of ${of} branches`,
  alike: 'Logins that look alike',
  alikeText:
    'Branches that were cut off from each other can create them. Both stay. Tell the people, and write login@branch.',
  noAlike: 'None.',
  alikeTo: (others: string) =>
    `This login is easily mistaken for ${others}: it was created while branches were cut off. Both stay.`,

  people: 'People',
  findPeople: 'Search',
  findHint: 'Name, login, department, post, phone or room; login@branch too.',
  anyBranch: 'All branches',
  department: 'Department',
  anyDepartment: 'All departments',
  show: 'Show',
  nobody: 'Nobody fits. Try a shorter part of the name, or another branch.',
  found: 'People found',
  first: 'From the beginning',
  card: 'Profile card',
  write: 'Write',
  add: 'Add to my chats',
  you: 'This is you',
  fromBranch: (branch: string, since: string) =>
    `${branch} is not reachable since ${since}: what you see is as of then.`,
}
