/** A company in bad weather, fifty fresh seeds every day: part 1 of 4. */
import { testFresh } from './fresh.ts'

testFresh(1)
