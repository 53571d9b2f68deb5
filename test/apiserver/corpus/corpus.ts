/** All cases, by file. */
import type { Case } from './case.ts'
import { listCases } from './list.cases.ts'
import { watchCases } from './watch.cases.ts'

export const corpus: Readonly<Record<string, readonly Case[]>> = { list: listCases, watch: watchCases }
