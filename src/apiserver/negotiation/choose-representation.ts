import type { Accepted } from './accept.ts'
import { metadataRepresentations, type Representation, type Shown, viewRepresentation, wholeRepresentation } from './representation.ts'
import { tableRepresentation } from './table.ts'

/** `query` and `now` matter to tables only: includeObject, and ages. */
export const representationOf = (shown: Shown, { shape, metaVersion = 'v1' }: Accepted, at: { query: URLSearchParams; now: () => Date }): Representation => {
  if (shape === 'Table') return tableRepresentation(shown, { ...at, metaVersion })
  if (shape !== 'object') return metadataRepresentations[metaVersion]
  return shown.view ? viewRepresentation(shown.kind, shown.view) : wholeRepresentation(shown.kind)
}
