/** Fields that the bodies of several event kinds have in common: ids, clock values, counts. */
import * as v from 'valibot'
import type { Hlc } from '../base/hlc.ts'

/** An id of 16 bytes. */
export const id = <T extends string>() =>
  v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{32}$/),
    v.transform((text) => text as T),
  )

/** A clock value. */
export const hlc = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{16}$/),
  v.transform((text) => text as Hlc),
)

/** A whole number from 0 on. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
