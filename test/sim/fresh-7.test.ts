/** A company in bad weather, fresh seeds every day: part 7 of 8. */
import './native.ts'

const { testFresh } = await import('./fresh.ts')
testFresh(7)
