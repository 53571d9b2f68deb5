/** All cases, by file. */
import type { Case } from './case.ts'
import { applyCases } from './apply.cases.ts'
import { createCases } from './create.cases.ts'
import { deleteCases } from './delete.cases.ts'
import { listCases } from './list.cases.ts'
import { selectorCases } from './selectors.cases.ts'
import { updateCases } from './update.cases.ts'
import { watchCases } from './watch.cases.ts'

export const corpus: Readonly<Record<string, readonly Case[]>> = {
  create: createCases, update: updateCases, delete: deleteCases, list: listCases, watch: watchCases, selectors: selectorCases, apply: applyCases
}
