/** Portuguese: what administrators read about certificates and keys of branches. */
import type { enKeys } from './en-keys.ts'

export const ptKeys: typeof enKeys = {
  title: 'Certificados e chaves',
  text: 'Cada filial identifica-se com um certificado de dez dias, que se renova por si ao fim de cinco. Quem os assina são as filiais emissoras.',
  own: (until) => `O certificado desta filial vale até ${until}.`,
  late: 'Há cinco dias que nenhuma filial emissora renova o certificado desta filial. Quando ele acabar, nenhuma linha abre: veja se uma filial emissora está a funcionar e ao alcance, e se os relógios estão certos.',
  renewButton: 'Renovar o certificado agora',
  newKeyText:
    'Se outros puderam ver uma cópia da chave das linhas deste servidor (keys/noise.json): com uma chave nova, a antiga acaba com o seu certificado, em dez dias no máximo.',
  newKeyButton: 'Chave e certificado novos',
  renewed: 'O certificado foi renovado.',
  notRenewed: {
    nobody: 'Não foi renovado: não há linha para nenhuma filial emissora.',
    'no-answer': 'Não foi renovado: a filial emissora não respondeu a tempo. Tente de novo.',
    refused: 'Não foi renovado: a resposta da filial emissora não serve. O registo dela diz mais.',
  },
  issuers: (names) => `Podem emitir: ${names}.`,
  oneIssuer: (name) =>
    `Só ${name} pode emitir certificados e convites. Se esse servidor se perder, dez dias depois nenhuma linha abre. Deixe uma segunda filial emitir.`,
  rootElsewhere:
    'Para isso é precisa a chave raiz, que não está neste servidor: use esta página onde ela está, ou traga-a de volta por uma hora com key import.',
  issuer: 'Deixar outra filial emitir',
  issuerText:
    'Ela poderá então convidar e revogar filiais e renovar certificados, como esta. Escolha uma cujo servidor esteja tão bem guardado. Vale um ano e renova-se onde está a chave raiz.',
  issuerBranch: 'Nome da filial emissora, por extenso',
  issuerButton: 'Deixar emitir',
  issuerNamed: 'Essa filial já pode emitir.',
  linkKey: 'Chave das linhas',
  linkKeyText: (number, since) =>
    `Todas as filiais partilham uma chave que mantém estranhos longe das linhas. Esta é a número ${number}, aqui desde ${since}. Muda por si quando uma filial é revogada; mude-a quando outra pessoa a possa ter visto. As linhas mantêm-se e nenhuma filial tem de fazer nada.`,
  linkKeyConfirm: (branch) => `Para confirmar, escreva ${branch}`,
  linkKeyButton: 'Mudar a chave das linhas',
  linkKeyChanged:
    'A chave das linhas foi mudada. As outras filiais recebem-na assim que tiverem linha.',
}
