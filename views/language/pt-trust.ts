/** Portuguese: the page that tells how to trust this server's certificate. */
import type { enTrust } from './en-trust.ts'

export const ptTrust: typeof enTrust = {
  link: 'Como confiar neste servidor',
  title: 'Confiar neste servidor',
  text: 'Este servidor usa HTTPS com um certificado da sua organização, não de uma autoridade pública. Os navegadores aceitam-no depois de instalado o certificado raiz da organização. Faz-se uma vez por computador ou telefone e serve para todas as filiais.',
  temporary:
    'O certificado da sua organização ainda não está aqui. Até lá este servidor mostra um temporário. A impressão digital dele foi escrita onde o servidor foi iniciado.',
  plain:
    'Está a ler esta página por HTTP simples: alguém no caminho pode tê-la alterado. Compare a impressão digital antes de instalar seja o que for.',
  fingerprint: 'Impressão digital (SHA-256)',
  compare:
    'Compare-a com a que o administrador lhe dá em papel ou por telefone. Se forem diferentes, não instale nada e avise o administrador.',
  download: 'Descarregar o certificado raiz',
  downloadPem: 'O mesmo em PEM',
  checkFile: 'Para ver a impressão digital do ficheiro descarregado:',
  how: 'Como instalá-lo',
  allComputers: 'para todos os computadores de um domínio',
  oneComputer: 'um computador',
  windowsPolicy: [
    'Abra a Gestão de Políticas de Grupo e edite uma política que chegue aos computadores.',
    'Vá a Configuração do Computador, Políticas, Definições do Windows, Definições de Segurança, Políticas de Chave Pública, Autoridades de Certificação de Raiz Fidedigna.',
    'Escolha Importar no menu de contexto e indique o ficheiro descarregado.',
    'Os computadores recebem-no no próximo arranque, ou já com este comando:',
  ],
  windows: [
    'Abra o ficheiro descarregado e escolha Instalar Certificado, depois Máquina Local.',
    'Escolha o arquivo: Autoridades de Certificação de Raiz Fidedigna.',
    'Conclua e reinicie o navegador. Ou execute, como administrador, este comando:',
  ],
  linux: [
    'Use o ficheiro PEM. No Debian e no Ubuntu execute os comandos abaixo.',
    'No Fedora e parentes a pasta é /etc/pki/ca-trust/source/anchors e o comando update-ca-trust.',
    'O Chromium tem uma lista própria: Definições, Privacidade e segurança, Segurança, Gerir certificados, Autoridades, Importar.',
  ],
  macos: [
    'Abra o ficheiro descarregado; o Acesso a Porta-chaves pergunta onde o guardar: escolha Sistema.',
    'Abra lá o certificado, expanda Confiança e escolha Confiar sempre. Ou execute este comando:',
  ],
  firefox: [
    'No Windows e no macOS o Firefox confia no que o sistema confia; não é preciso mais nada.',
    'No Linux: Definições, Privacidade e segurança, Ver certificados, Autoridades, Importar; marque que pode identificar sites.',
    'Para muitos computadores: a política Certificates com ImportEnterpriseRoots, ou Install, em policies.json.',
  ],
  android: [
    'Descarregue o certificado raiz no telefone.',
    'Abra as Definições e procure Certificado de AC (Segurança, Encriptação e credenciais, Instalar um certificado).',
    'Escolha Certificado de AC, confirme e indique o ficheiro.',
  ],
  ios: [
    'Abra esta página no Safari, descarregue o certificado raiz e permita o perfil.',
    'Instale-o em Definições, Geral, VPN e gestão de dispositivos.',
    'Ative-o em Definições, Geral, Informações, Definições de confiança de certificados.',
  ],
}
