/** Portuguese: second factors, the list of own sign-ins, shared terminals, and the rules about them. */
import type { enSignIns } from './en-sign-ins.ts'
import { counting } from './plural.ts'

const count = counting('pt')

export const ptSignIns: typeof enSignIns = {
  factor: {
    title: 'Segundo fator',
    codeTitle: 'O seu código',
    codeText:
      'Escreva os seis algarismos que a aplicação de códigos mostra agora, ou um dos seus códigos de recuperação.',
    code: 'Código',
    codeButton: 'Continuar',
    anew: 'Começar de novo',
    about:
      'Com um segundo fator, a palavra-passe sozinha não chega: em cada entrada escreve também um código do telemóvel. Funciona em todas as filiais, sem Internet.',
    demanded: 'A sua função exige um segundo fator. Configure-o agora; depois tudo se abre.',
    passwordFirst: 'Primeiro a palavra-passe: o segundo fator está fechado com ela.',
    password: 'Palavra-passe',
    begin: 'Configurar',
    scan: 'Leia esta imagem com uma aplicação de códigos, ou escreva nela a chave.',
    qr: 'Código QR da chave',
    key: 'Chave',
    firstCode: 'O código que ela mostra agora',
    confirm: 'Ligar',
    on: 'O segundo fator está ligado.',
    off: 'Não há segundo fator.',
    left: (n) =>
      `Ainda por usar: ${count(n, { one: 'código de recuperação', other: 'códigos de recuperação' })}.`,
    change: 'Alterar',
    newCodes: 'Novos códigos de recuperação',
    switchOff: 'Desligar',
    open: 'Segundo fator',
    codesTitle: 'Os seus códigos de recuperação',
    codesText:
      'Cada um abre a sua conta uma vez quando o telemóvel não está à mão. Imprima-os ou anote-os agora: ninguém os pode mostrar outra vez.',
    codesDone: 'Já os tenho',
    print: 'Imprimir',
    switchedOff: 'O segundo fator está desligado.',
    adminOn: 'Esta pessoa tem um segundo fator.',
    adminText:
      'Quando o telemóvel e os códigos de recuperação se perderam: remova-o. A palavra-passe fica, e todas as entradas terminam em toda a parte.',
    adminButton: 'Remover o segundo fator',
    adminRemoved: 'O segundo fator foi removido.',
    resetEnds:
      'Termina também o segundo fator: está fechado com a palavra-passe antiga. A pessoa configura-o de novo.',
  },
  rules: {
    title: 'Regras',
    text: 'Valem em cada filial assim que ela as recebe.',
    factorFor: 'Ninguém sem segundo fator',
    factorForText: 'As pessoas com estas funções configuram-no logo depois de entrar.',
    only: 'Só administradores da organização numa filial emissora podem alterar isto.',
    save: 'Guardar',
    saved: 'Guardado. As outras filiais recebem-no assim que houver ligação.',
  },
  ownSignIns: {
    scripts: 'Scripts e outros programas',
    scriptsText: 'Entraram pela API com a sua palavra-passe.',
    from: (address) => `de ${address}`,
    shared: 'terminal partilhado',
    endOthers: 'Terminar todas as outras nesta filial',
    endAll: 'Terminar todas, em todas as filiais',
    endAllText: 'Esta também. Uma filial sem ligação sabe disso quando a ligação voltar.',
    elsewhere: 'Noutras filiais',
    elsewhereText:
      'As entradas de lá ficam lá, por isso esta filial não as pode listar. Sabe onde entrou:',
    until: 'no máximo até',
    endThere: 'Terminar lá',
    ended: 'Terminado.',
  },
  terminal: {
    choose: 'Este é um terminal partilhado',
    chooseHint: 'Bloqueia-se quando ninguém faz nada durante cinco minutos.',
    title: 'Bloqueado',
    text: 'Escolha o seu nome e escreva o PIN ou a palavra-passe.',
    pinOrPassword: 'PIN ou palavra-passe',
    unlock: 'Abrir',
    other: 'Outra pessoa entra',
    lockNow: 'Bloquear',
    leave: (name) => `Terminar a sessão de ${name}`,
    pinTitle: 'Um PIN para este terminal',
    pinText:
      'Com um PIN volta a abrir este terminal sem a palavra-passe inteira. Vale só para esta entrada.',
    pin: 'PIN, 4 a 8 algarismos',
    pinButton: 'Guardar o PIN',
    pinSkip: 'Sem PIN',
  },
}
