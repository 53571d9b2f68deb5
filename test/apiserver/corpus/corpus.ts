/** All cases, by file. */
import type { Case } from './case.ts'
import { accessCases } from './access.cases.ts'
import { applyCases } from './apply.cases.ts'
import { createCases } from './create.cases.ts'
import { deleteCases } from './delete.cases.ts'
import { discoveryCases } from './discovery.cases.ts'
import { kindCases } from './kinds.cases.ts'
import { listCases } from './list.cases.ts'
import { negotiationCases } from './negotiation.cases.ts'
import { patchCases } from './patches.cases.ts'
import { podCases } from './pods.cases.ts'
import { selectorCases } from './selectors.cases.ts'
import { strategicCases } from './strategic.cases.ts'
import { warningCases } from './warnings.cases.ts'
import { strictnessCases } from './strictness.cases.ts'
import { subresourceCases } from './subresources.cases.ts'
import { updateCases } from './update.cases.ts'
import { watchCases } from './watch.cases.ts'

export const corpus: Readonly<Record<string, readonly Case[]>> = {
  create: createCases, update: updateCases, strategic: strategicCases, patches: patchCases, apply: applyCases, strictness: strictnessCases, warnings: warningCases, delete: deleteCases, list: listCases,
  watch: watchCases, selectors: selectorCases, negotiation: negotiationCases, discovery: discoveryCases, access: accessCases, subresources: subresourceCases, pods: podCases, kinds: kindCases,
}
