/** The status subresource: takes the status (and metadata) from the request, everything else from what is stored. Mirrors the statusStrategy that each of upstream's kinds has. */
import type { KubeObject } from '../../api/meta.ts'
import type { SubresourceStrategy } from './strategy.ts'

/** Puts fields of `old` back into `next`, in place; a field that `old` lacks is dropped. */
export const keepFields = <T extends object>(next: T, old: T, fields: readonly (keyof T)[]): void => {
  for (const field of fields) {
    if (old[field] === undefined) delete next[field]
    else next[field] = old[field]
  }
}

/** A status subresource that keeps `spec` as it was; labels too, or all of what a client sets in metadata, where upstream does. */
export const statusSubresource = <T extends KubeObject & { spec: unknown }>(rules: { keepLabels?: boolean; keepMetadata?: boolean; validate?: NonNullable<SubresourceStrategy<T>['validateUpdate']> } = {}): SubresourceStrategy<T> => ({
  prepareForUpdate(next, old) {
    next.spec = old.spec
    if (rules.keepLabels) keepFields(next.metadata, old.metadata, ['labels'])
    if (rules.keepMetadata) keepFields(next.metadata, old.metadata, ['labels', 'annotations', 'finalizers', 'ownerReferences'])
  },
  ...(rules.validate && { validateUpdate: rules.validate }),
})
