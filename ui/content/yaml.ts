/** An object as `kubectl get -o yaml` prints it: keys sorted, managed fields left out. */
import { stringify } from 'yaml'
import type { KubeObject } from '../../src/api/meta.ts'
import { sanitize } from '../text/sanitize.ts'

const known = new WeakMap<object, readonly string[]>()

export const yamlText = (object: KubeObject): string => {
  const { managedFields: _, ...metadata } = object.metadata
  return stringify({ ...object, metadata }, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false })
}

/** Objects never change, so that each is written once. */
export const yamlLines = (object: KubeObject): readonly string[] => {
  const lines = known.get(object) ?? yamlText(object).trimEnd().split('\n').map(sanitize)
  known.set(object, lines)
  return lines
}
