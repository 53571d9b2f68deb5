/** What of a kind is tracked at all: not its identity, not what the server fills, not what this endpoint may not write. Mirrors `managedfields/internal/stripmeta.go`. */
import { difference, type FieldSet, fromFieldsV1 } from './field-set.ts'
import { type Shape, withoutPaths } from './shape.ts'

const untracked: readonly (readonly string[])[] = [['apiVersion'], ['kind'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map((field) => ['metadata', field])]

const wholeMetadata = fromFieldsV1({ 'f:metadata': {} })

/** Owning `metadata` itself means nothing. */
export const stripMetadata = (set: FieldSet): FieldSet => (set.children.get('f:metadata')?.member ? difference(set, wholeMetadata) : set)

const shapes = new WeakMap<Shape, Map<string, Shape>>()

/** A kind's shape without what is not tracked and without `reset`, paths like `status` or `metadata.labels`. */
export const trackedShape = (whole: Shape, reset: readonly string[]): Shape => {
  const known = shapes.get(whole) ?? new Map<string, Shape>()
  shapes.set(whole, known)
  const key = reset.join(' ')
  let shape = known.get(key)
  if (!shape) {
    shape = withoutPaths(whole, [...untracked, ...reset.map((path) => path.split('.'))])
    known.set(key, shape)
  }
  return shape
}
