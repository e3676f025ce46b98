/** A company in bad weather, fifty fresh seeds every day: part 2 of 4. */
import { testFresh } from './fresh.ts'

testFresh(2)
