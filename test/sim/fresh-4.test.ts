/** A company in bad weather, fresh seeds every day: part 4 of 8. */
import { testFresh } from './fresh.ts'

testFresh(4)
