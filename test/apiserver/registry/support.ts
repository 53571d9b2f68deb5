/** Drives one strategy as the handlers drive it, without a server: defaults, preparation, validation. */
import type { Kind } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { deepCopy } from '../../../src/api/equal.ts'
import type { FieldError } from '../../../src/api/status.ts'
import { systemClock } from '../../../src/api/clock.ts'
import { systemRandom } from '../../../src/api/random.ts'
import { defaultRegistryOptions, makeStrategies } from '../../../src/apiserver/registry/registry.ts'
import type { Strategy, StrategyContext } from '../../../src/apiserver/registry/strategy.ts'

export const strategyOf = <T extends KubeObject>(kind: Kind<T>, strategies = makeStrategies(defaultRegistryOptions)): Strategy<T> => {
  const found = strategies.find((strategy) => strategy.kind === kind)
  if (!found) throw new Error(`no strategy for ${kind.kind}`)
  return found as unknown as Strategy<T>
}

/** A request by an administrator in a namespace where nothing is but `objects`. */
export const contextWith = (objects: readonly KubeObject[] = [], more: Partial<StrategyContext> = {}): StrategyContext => ({
  user: { name: 'admin', groups: ['system:masters'] }, clock: systemClock, random: systemRandom, namespace: 'default',
  lookup: { get: () => undefined, list: <T extends KubeObject>() => objects as readonly T[] },
  ...more,
})

/** An object as a client writes it: partial, metadata filled up. */
export const sent = <T extends KubeObject>(object: object, metadata: object = {}): T =>
  ({ ...deepCopy(object), metadata: { name: 'it', namespace: 'default', uid: 'uid-1', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata } }) as unknown as T

export const lines = (errors: readonly FieldError[]): string[] => errors.map(({ path, message }) => (path ? `${path}: ${message}` : message))

/** The object as it would be stored, and what is wrong with it. */
export const created = <T extends KubeObject>(kind: Kind<T>, object: T, context = contextWith()): { object: T; errors: string[] } => {
  const strategy = strategyOf(kind)
  strategy.setDefaults?.(object)
  strategy.prepareForCreate?.(object, context)
  return { object, errors: lines(strategy.validate?.(object, context) ?? []) }
}

/** What is wrong with a change of a stored object; `subresource` '' for the object itself. */
export const updated = <T extends KubeObject>(kind: Kind<T>, old: T, change: (next: T) => void, { subresource = '', context = contextWith() } = {}): { object: T; errors: string[] } => {
  const strategy = strategyOf(kind)
  const next = deepCopy(old)
  change(next)
  strategy.setDefaults?.(next)
  const own = subresource === '' ? strategy : strategy.subresources?.[subresource]
  if (!own) throw new Error(`${kind.kind} has no ${subresource}`)
  own.prepareForUpdate?.(next, old, context)
  return { object: next, errors: lines(own.validateUpdate?.(next, old, context) ?? []) }
}
