/** Portuguese: importing people from a table, and what may be wrong with it. */
import type { enImport, enImportProblems } from './en-import.ts'
import { counting } from './plural.ts'

const count = counting('pt')

type Values = Record<string, string | number>
type Sentence = (values: Values) => string

export const ptImport: typeof enImport = {
  title: 'Importar pessoas',
  lead: 'Uma tabela de uma folha de cálculo, guardada como CSV. Primeiro vê o que aconteceria; nada muda antes de o dizer.',
  open: 'Importar',
  export: 'Exportar',
  file: 'Ficheiro',
  fileHint: (max: number, lines: number) =>
    `CSV com uma linha de nomes de colunas, até ${max} MB e ${lines} linhas.`,
  columns: 'Colunas',
  columnsText:
    'Necessárias: login, e firstName para pessoas novas. Outras: branch, lastName, department, post, phone, room, role, language. Só mudam as colunas presentes; uma célula vazia esvazia o campo, exceto role e language. Quem não está em nenhuma linha fica como está.',
  renew: 'Novas palavras-passe temporárias também para quem foi importado antes e ainda não entrou',
  showButton: 'Mostrar o que aconteceria',
  encoding: 'Letras',
  automatic: 'descobrir',
  guess: (name: string) =>
    `Lido como ${name}, o que é um palpite: veja se os nomes estão certos, senão escolha outro.`,
  readAs: (name: string) => `Lido como ${name}.`,
  readAgain: 'Ler de novo',
  kinds: { create: 'Novas', change: 'Mudadas', same: 'Sem mudança', refused: 'Recusadas' },
  line: 'Linha',
  outcome: 'O que acontece',
  none: 'Não há linhas deste tipo.',
  password: 'nova palavra-passe temporária',
  doButton: (n) => `Importar ${count(n, { one: 'pessoa', other: 'pessoas' })}`,
  doText: 'As linhas recusadas ficam de fora. O que entretanto mudou não é feito, mas listado.',
  nothing: 'Não há nada a fazer.',
  another: 'Outro ficheiro',
  running: 'A importar',
  runningText: (done: number, all: number) => `${done} de ${all} linhas`,
  done: 'A importação está feita',
  failed:
    'A importação parou antes do fim. As linhas feitas ficam: importe o mesmo ficheiro outra vez para o resto.',
  slips: 'Palavras-passe temporárias',
  slipsText: (n: number) =>
    `${n} palavras-passe temporárias esperam pela impressão. São mostradas uma vez e não ficam guardadas em lado nenhum; dentro de 30 minutos, ou quando o servidor parar, são esquecidas.`,
  slipsButton: 'Mostrar e imprimir as palavras-passe',
  slipsGone:
    'As palavras-passe já foram mostradas ou esquecidas. Para quem ainda não entrou, importe o mesmo ficheiro outra vez e marque a caixa.',
  slipText: 'Mude a palavra-passe quando entrar pela primeira vez.',
  ldap: {
    title: 'LDAP',
    text: 'As palavras-passe destas pessoas são as do LDAP. São importadas todas as noites; um bloqueio feito à mão nunca é desfeito.',
    disabled: 'desativadas',
    enabled: 'reativadas',
    states: {
      done: 'feito',
      stopped:
        'Feito, mas ninguém foi desativado: faltavam mais pessoas do que saem numa noite. Se está certo, corra user ldap --force.',
      failed: 'Falhou: o registo diz porquê.',
    },
  },
  /** Why a line is refused. */
  reasons: {
    moved: () => 'Mudou desde que foi mostrado: mostre de novo',
    'not-yours': () => 'Não pode mudar esta pessoa',
    elsewhere: ({ branch = '' }) => `Pertence à filial ${branch}: muda-se lá`,
    'login-missing': () => 'Falta o nome de utilizador',
    'login-form': () => 'O nome de utilizador não segue as regras: 2 a 32 de a-z 0-9 . _ -',
    'login-twice': ({ line = '' }) => `O mesmo nome de utilizador está na linha ${line}`,
    'login-alike-here': ({ line = '', login = '' }) => `Parece-se com ${login} na linha ${line}`,
    'login-alike': ({ login = '' }) => `Parece-se com o nome de utilizador ${login}`,
    'login-taken': () => 'O nome de utilizador já existe',
    'login-lookalike': () => 'Parece-se com outro nome de utilizador',
    'person-disabled': () => 'A conta está desativada: ative-a primeiro na sua página',
    'role-unknown': ({ is = '' }) => `Não há a função ${is}`,
    'role-not-yours': ({ role = '' }) => `Não pode dar a função ${role}`,
    'language-unknown': ({ is = '' }) => `Não há a língua ${is}`,
    required: ({ column = '' }) => `Falta ${column}`,
    'too-long': ({ column = '', max = '' }) => `${column} é longo de mais: até ${max} caracteres`,
    cells: ({ columns = '' }) => `Mais células do que as ${columns} colunas`,
    'last-admin': () => 'É o último administrador',
    forbidden: () => 'Não o pode fazer',
    'invalid-input': () => 'Não serve',
    other: () => 'Não foi feito',
  } as Record<string, Sentence>,
}

/** What is wrong with a whole file. */
export const ptImportProblems: typeof enImportProblems = {
  'file-empty': () => 'O ficheiro está vazio.',
  'file-workbook': () =>
    'Isto é um livro de folhas de cálculo. Guarde-o como CSV e escolha esse ficheiro.',
  'file-encoding': ({ encoding = '' }: Values) =>
    `Este ficheiro não é ${encoding}. Escolha outras letras, ou guarde-o como CSV em UTF-8.`,
  'encoding-unknown': () => 'Não há essa codificação.',
  'file-lines': ({ max = '' }: Values) => `O ficheiro tem mais de ${max} linhas. Divida-o.`,
  'quote-open': ({ line = '' }: Values) =>
    `Linha ${line}: há aspas por fechar, ou texto depois delas.`,
  'cell-long': ({ line = '' }: Values) => `Linha ${line}: uma célula tem mais de 2000 caracteres.`,
  'cells-many': ({ line = '' }: Values) => `Linha ${line}: mais de 100 células.`,
  'column-unknown': ({ column = '' }: Values) =>
    `Não há a coluna «${column}». A primeira linha tem os nomes das colunas, e as letras estão certas?`,
  'column-twice': ({ column = '' }: Values) => `A coluna ${column} aparece duas vezes.`,
  'column-login': () => 'Falta a coluna login na primeira linha.',
  'password-in-ldap': () => 'A palavra-passe é a do seu computador de trabalho. Mude-a lá.',
  'import-busy': () => 'Está a ser feita outra importação. Espere até ela acabar.',
}
