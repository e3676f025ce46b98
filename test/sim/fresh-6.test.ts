/** A company in bad weather, fresh seeds every day: part 6 of 8. */
import './native.ts'

const { testFresh } = await import('./fresh.ts')
testFresh(6)
