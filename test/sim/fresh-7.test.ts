/** A company in bad weather, fresh seeds every day: part 7 of 8. */
import { testFresh } from './fresh.ts'

testFresh(7)
