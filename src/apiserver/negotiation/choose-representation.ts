import type { Shape } from './accept.ts'
import { metadataRepresentation, type Representation, type Shown, viewRepresentation, wholeRepresentation } from './representation.ts'
import { tableRepresentation } from './table.ts'

/** `query` and `now` matter to tables only: includeObject, and ages. */
export const representationOf = (shown: Shown, shape: Shape, at: { query: URLSearchParams; now: () => Date }): Representation => {
  if (shape === 'Table') return tableRepresentation(shown, at)
  if (shape !== 'object') return metadataRepresentation
  return shown.view ? viewRepresentation(shown.kind, shown.view) : wholeRepresentation(shown.kind)
}
