/** A company in bad weather, fresh seeds every day: part 5 of 8. */
import { testFresh } from './fresh.ts'

testFresh(5)
