/** What the HTML standard says of markup: content models, ids, attributes and their values, end tags. */
import { type ConfigData, HtmlValidate, StaticConfigLoader } from 'html-validate'

/** One configuration for all files, read once: reading it costs more than a page. */
class OneConfig extends StaticConfigLoader {
  readonly #only: ReturnType<StaticConfigLoader['getConfigFor']>

  constructor(config: ConfigData) {
    super(config)
    this.#only = super.getConfigFor('page.html')
  }

  override getConfigFor() {
    return this.#only
  }
}

/** Rules of the standard only, and in whole pages that what is referred to by an id is there. */
const RULES: ConfigData = { root: true, extends: ['html-validate:standard'] }
const references: ConfigData = { rules: { 'no-missing-references': 'error' } }
const ofPages = new HtmlValidate(new OneConfig({ ...RULES, ...references }))
const ofFragments = new HtmlValidate(new OneConfig(RULES))

/** htmx parses its own elements as templates; in them a part may stand that wants a certain parent. */
const asTemplates = (markup: string) =>
  markup.replace(/(<\/?)hx-(?:partial|upsert)\b/g, '$1template')

/** Sentences with the line at fault; empty when the markup is valid. A whole page begins with its doctype. */
export function htmlFaults(markup: string): string[] {
  const isPage = /^\s*<!doctype/i.test(markup)
  const report = (isPage ? ofPages : ofFragments).validateStringSync(asTemplates(markup))
  const lines = markup.split('\n')
  return report.results.flatMap(({ messages }) =>
    messages.map(
      ({ ruleId, message, line }) => `${ruleId}: ${message}: ${lines[line - 1]?.trim()}`,
    ),
  )
}
