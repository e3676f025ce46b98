/** English: the page that tells how to trust this server's certificate. */
export const enTrust = {
  link: 'How to trust this server',
  title: 'Trust this server',
  text: 'This server speaks HTTPS with a certificate of your organisation, not of a public authority. Browsers believe it once the root certificate of the organisation is installed. That is done once per computer or phone, and serves all branches.',
  temporary:
    'The certificate of your organisation is not here yet. Until then this server shows a temporary one. Its fingerprint was printed where the server was started.',
  plain:
    'You are reading this page over plain HTTP: somebody on the way could have changed it. Compare the fingerprint before you install anything.',
  fingerprint: 'Fingerprint (SHA-256)',
  compare:
    'Compare it with the one your administrator gives you on paper or by phone. If they differ, install nothing and tell the administrator.',
  download: 'Download the root certificate',
  downloadPem: 'The same as PEM',
  checkFile: 'To see the fingerprint of the downloaded file:',
  how: 'How to install it',
  allComputers: 'for all computers of a domain',
  oneComputer: 'one computer',
  windowsPolicy: [
    'Open Group Policy Management and edit a policy that reaches the computers.',
    'Go to Computer Configuration, Policies, Windows Settings, Security Settings, Public Key Policies, Trusted Root Certification Authorities.',
    'Choose Import from the context menu and give the downloaded file.',
    'Computers take it at their next start, or at once with this command:',
  ],
  windows: [
    'Open the downloaded file and choose Install Certificate, then Local Machine.',
    'Choose to place the certificate in a store of your choice: Trusted Root Certification Authorities.',
    'Finish, and start the browser anew. Or, as administrator, run this command:',
  ],
  linux: [
    'Take the PEM file. On Debian and Ubuntu run the commands below.',
    'On Fedora and its relatives the folder is /etc/pki/ca-trust/source/anchors and the command update-ca-trust.',
    'Chromium keeps its own list: Settings, Privacy and security, Security, Manage certificates, Authorities, Import.',
  ],
  macos: [
    'Open the downloaded file; Keychain Access asks where to put it: choose System.',
    'Open the certificate there, unfold Trust and choose Always Trust. Or run this command:',
  ],
  firefox: [
    'On Windows and macOS Firefox believes what the system believes; nothing else is needed.',
    'On Linux: Settings, Privacy and Security, View Certificates, Authorities, Import; tick that it may identify websites.',
    'For many computers: the policy Certificates with ImportEnterpriseRoots, or Install, in policies.json.',
  ],
  android: [
    'Download the root certificate on the phone.',
    'Open Settings and search for CA certificate (Security, Encryption and credentials, Install a certificate).',
    'Choose CA certificate, confirm, and pick the file.',
  ],
  ios: [
    'Open this page in Safari, download the root certificate and allow the profile.',
    'Install it in Settings, General, VPN and Device Management.',
    'Switch it on in Settings, General, About, Certificate Trust Settings.',
  ],
}
