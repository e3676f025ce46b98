/** Rules of the organisation: which roles need a second factor. */
import { html } from 'hono/html'
import type { Frame } from '../layout.ts'
import { attributes, formTokenField } from '../parts.ts'
import { adminPage } from './shell.ts'

type RulesProps = {
  roles: readonly {
    role: 'employee' | 'auditor' | 'branch-admin' | 'organisation-admin'
    isOn: boolean
  }[]
  mayChange: boolean
}

/** The page of rules. */
export function rulesPage(frame: Frame, p: RulesProps): string {
  const t = frame.t.rules
  const box = ({ role, isOn }: RulesProps['roles'][number]) => {
    const state = attributes({ checked: isOn, disabled: !p.mayChange })
    return html`<p class="check"><label><input type="checkbox" name="secondFactorFor" value="${role}"${state}> ${frame.t.admin.roles[role]}</label></p>`
  }
  const body = html`<h1>${t.title}</h1>
<p class="lead">${t.text}</p>
<form class="card" method="post" action="/admin/rules">${formTokenField(frame)}
<h2>${t.factorFor}</h2><p>${t.factorForText}</p>
${p.roles.map(box)}
${p.mayChange ? html`<p class="actions"><button class="button primary">${t.save}</button></p>` : html`<p class="hint">${t.only}</p>`}
</form>`
  return adminPage(frame, { title: t.title, place: 'rules', body })
}
