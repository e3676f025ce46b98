/** English: second factors, the list of own sign-ins, shared terminals, and the rules about them. */
import { counting } from './plural.ts'

const count = counting('en')

export const enSignIns = {
  factor: {
    title: 'Second factor',
    codeTitle: 'Your code',
    codeText:
      'Type the six digits that your authenticator shows now, or one of your recovery codes.',
    code: 'Code',
    codeButton: 'Go on',
    anew: 'Begin anew',
    about:
      'With a second factor, a password alone is not enough: at each sign-in you also type a code from your telephone. It works at every branch, without the Internet.',
    demanded: 'Your role needs a second factor. Set it up now; then everything opens.',
    passwordFirst: 'First your password: the second factor is locked with it.',
    password: 'Password',
    begin: 'Set it up',
    scan: 'Scan this picture with an authenticator app, or type the key into it.',
    qr: 'QR code of the key',
    key: 'Key',
    firstCode: 'The code it shows now',
    confirm: 'Switch it on',
    on: 'The second factor is on.',
    off: 'There is no second factor.',
    left: (n: number) =>
      `${count(n, { one: 'recovery code', other: 'recovery codes' })} not used yet.`,
    change: 'Change it',
    newCodes: 'New recovery codes',
    switchOff: 'Switch it off',
    open: 'Second factor',
    codesTitle: 'Your recovery codes',
    codesText:
      'Each opens your account once when the telephone is not there. Print them or write them down now: nobody can show them again.',
    codesDone: 'I have them',
    print: 'Print',
    switchedOff: 'The second factor is off.',
    adminOn: 'This person has a second factor.',
    adminText:
      'When the telephone and the recovery codes are lost: remove it. The password stays, and every sign-in ends everywhere.',
    adminButton: 'Remove the second factor',
    adminRemoved: 'The second factor was removed.',
    resetEnds:
      'It also ends the second factor: that is locked with the old password. The person sets it up again.',
  },
  rules: {
    title: 'Rules',
    text: 'These hold at every branch as soon as it hears of them.',
    factorFor: 'Nobody without a second factor',
    factorForText: 'People of these roles set it up right after they sign in.',
    only: 'Only organisation admins at an issuing branch can change this.',
    save: 'Save',
    saved: 'Saved. The other branches hear of it as soon as they are linked.',
  },
  ownSignIns: {
    scripts: 'Scripts and other programs',
    scriptsText: 'They signed in by the API with your password.',
    from: (address: string) => `from ${address}`,
    shared: 'shared terminal',
    endOthers: 'End all others at this branch',
    endAll: 'End all, at every branch',
    endAllText: 'This one too. A branch without a line hears of it when the line is back.',
    elsewhere: 'At other branches',
    elsewhereText:
      'Sign-ins there stay there, so this branch cannot list them. It knows where you signed in:',
    until: 'at the longest until',
    endThere: 'End it there',
    ended: 'Ended.',
  },
  terminal: {
    choose: 'This is a shared terminal',
    chooseHint: 'It locks when nobody does anything for five minutes.',
    title: 'Locked',
    text: 'Choose your name, then type your PIN or your password.',
    pinOrPassword: 'PIN or password',
    unlock: 'Open',
    other: 'Somebody else signs in',
    lockNow: 'Lock',
    leave: (name: string) => `Sign ${name} out`,
    pinTitle: 'A PIN for this terminal',
    pinText:
      'With a PIN you open this terminal again without the whole password. It holds for this sign-in only.',
    pin: 'PIN, 4 to 8 digits',
    pinButton: 'Keep the PIN',
    pinSkip: 'Without a PIN',
  },
}
