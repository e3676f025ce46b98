/** A company in bad weather, fresh seeds every day: part 8 of 8. */
import { testFresh } from './fresh.ts'

testFresh(8)
