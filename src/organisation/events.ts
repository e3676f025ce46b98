/** The organisation's own record: its name, written by an issuing branch, known to all. */
import * as v from 'valibot'
import type { BranchId } from '../base/ids.ts'
import { tidied } from '../base/text.ts'
import { metaOf, putMeta } from '../db/meta.ts'
import type { Db } from '../db/open.ts'
import type { EventKind } from '../eventlog/events.ts'

/** Long enough for a full legal name, short enough for every page's header. */
export const ORGANISATION_NAME_CHARACTERS_MAX = 100

/** More changes than an organisation makes, and exact as a number. */
const REV_MAX = 2 ** 31 - 1

const body = v.object({
  name: v.pipe(
    v.string(),
    v.transform(tidied),
    v.minLength(1),
    v.maxLength(ORGANISATION_NAME_CHARACTERS_MAX),
  ),
  rev: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(REV_MAX)),
})

export type OrganisationPut = v.InferOutput<typeof body>

/** `demandIssuer` throws when a branch may not sign for the organisation, as far as is known here. */
export function organisationKind(
  demandIssuer: (tx: Db, event: { origin: BranchId }) => Promise<void>,
): EventKind<OrganisationPut> {
  return {
    code: 0x0205,
    name: 'organisation.put',
    scope: 'all',
    parse: (value) => v.parse(body, value),
    refusal: async (tx, event) => {
      await demandIssuer(tx, event)
      return undefined
    },
    async apply(tx, event) {
      const known = await metaOf(tx, 'organisationRev')
      if (known !== undefined && Number(known) >= event.body.rev) return
      await putMeta(tx, { organisation: event.body.name, organisationRev: String(event.body.rev) })
    },
  }
}
