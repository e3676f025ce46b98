/** English: what administrators read about certificates and keys of branches. */

export const enKeys = {
  title: 'Certificates and keys',
  text: 'Each branch proves itself by a certificate of ten days, which renews itself after five. Issuing branches sign them.',
  own: (until: string) => `The certificate of this branch is good until ${until}.`,
  late: 'No issuing branch has renewed the certificate of this branch for five days. When it has run out, no line opens: look whether an issuing branch is up and reachable, and whether the clocks are right.',
  renewButton: 'Renew the certificate now',
  newKeyText:
    'When others may have seen a copy of this server’s key for lines (keys/noise.json): a new key ends its use with the certificate, in ten days at most.',
  newKeyButton: 'New key and certificate',
  renewed: 'The certificate was renewed.',
  notRenewed: {
    nobody: 'Not renewed: no issuing branch is linked.',
    'no-answer': 'Not renewed: the issuing branch did not answer in time. Try again.',
    refused: 'Not renewed: what the issuing branch answered is of no use. Its log says more.',
  },
  issuers: (names: string) => `These branches may issue: ${names}.`,
  oneIssuer: (name: string) =>
    `Only ${name} may issue certificates and invitations. If that server is lost, no line opens any more ten days later. Let a second branch issue.`,
  rootElsewhere:
    'That needs the root key, which is not on this server: use this page where it lies, or bring it back for an hour with key import.',
  issuer: 'Let another branch issue',
  issuerText:
    'It may then invite and revoke branches and renew certificates, like this one. Choose one whose server is guarded as well. It holds for a year and is renewed where the root key is.',
  issuerBranch: 'Name of the issuing branch, typed out',
  issuerButton: 'Let it issue',
  issuerNamed: 'That branch may issue now.',
  linkKey: 'Link key',
  linkKeyText: (number: number, since: string) =>
    `All branches share one key that keeps strangers from the lines. This is number ${number}, here since ${since}. It changes by itself when a branch is revoked; change it when somebody else may have seen it. Lines stay up, and no branch has to do anything.`,
  linkKeyConfirm: (branch: string) => `To confirm, type ${branch}`,
  linkKeyButton: 'Change the link key',
  linkKeyChanged: 'The link key was changed. The other branches get it as soon as they are linked.',
}
