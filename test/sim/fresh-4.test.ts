/** A company in bad weather, fifty fresh seeds every day: part 4 of 4. */
import { testFresh } from './fresh.ts'

testFresh(4)
