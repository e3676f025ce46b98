/** A company in bad weather, fresh seeds every day: part 3 of 8. */
import { testFresh } from './fresh.ts'

testFresh(3)
