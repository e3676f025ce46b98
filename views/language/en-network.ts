/** English: what administrators read about the network below the lines, and about the way of a message. */
import { counting } from './plural.ts'

const count = counting('en')

export const enNetwork = {
  announced: (seconds: number, address: string) =>
    `announced ${count(seconds, { one: 'second', other: 'seconds' })} ago at ${address}`,
  trace: 'Where is a message?',
  traceText:
    'For whoever has lost one: where a message or any other event is, with times. What it says is not shown.',
  traceId: 'Id or address of the message',
  traceIdHint:
    'Its writer finds it in the address of its delivery story, or copies the link of its mark.',
  traceButton: 'Find it',
  traceNoId: 'There is no id in that. It has 32 digits and letters a to f.',
  traceUnknown:
    'This branch has never seen it. Ask at the branch where it was written, or look whether the id is whole.',
  traceKind: (kind: string, origin: string) => `${kind} of ${origin}`,
  traceWritten: (branch: string) => `Written in ${branch}`,
  traceCame: 'Came here',
  traceCameBy: (branch: string) => `Came here, carried by ${branch}`,
  traceStates: {
    parked: 'Waits here for something that is still on its way',
    refused: 'Refused here',
    erased: 'Erased',
  },
  traceElsewhere: (branch: string) => `What became of it at other branches, ${branch} knows.`,
  traceHere: 'It is for nobody at another branch.',
  announcedHint:
    'It can be heard, but no line opens: look at the last error, and whether a firewall keeps its relay port closed.',
  title: 'ZeroTier on this server',
  text: 'What its service says. It goes on saying so for minutes after the Internet is gone: the lines above are what counts.',
  node: (address: string, version: string) => `Node ${address}, version ${version}.`,
  online: 'It says that it reaches a root.',
  offline: 'It reaches no root: is there a way to the Internet?',
  away: {
    'not-running': 'Nothing answers at 127.0.0.1:9993: does zerotier-one run?',
    'wrong-token':
      'The service refuses the token: is the file of --zerotier-token-file its authtoken.secret?',
    silent: 'The service did not answer in time.',
    'other-answer': 'What answers at 127.0.0.1:9993 is not ZeroTier as it is known here.',
  },
  noNetwork: 'It has joined no network.',
  noAddress: 'no address yet',
  statuses: {
    OK: 'joined',
    REQUESTING_CONFIGURATION: 'waits for the network’s controller',
    ACCESS_DENIED: 'not admitted: the network’s administrator must authorise this node',
    NOT_FOUND: 'the controller knows no such network: is the number right?',
    PORT_ERROR: 'the interface could not be made',
    CLIENT_TOO_OLD: 'this version is too old for the network',
    AUTHENTICATION_REQUIRED: 'the network asks for a sign-in',
  },
  network: 'Network',
  status: 'State',
  device: 'Interface',
  addresses: 'Addresses',
  peers: 'Other nodes',
  peer: 'Node',
  path: 'Way',
  heard: 'Heard',
  latency: 'Latency',
  relayed: 'through a root',
  ago: (seconds: number) => `${count(seconds, { one: 'second', other: 'seconds' })} ago`,
}
