/** What a check of the Pod Security Standards sees and says, and how upstream words it. Mirrors `pod-security-admission/policy/{checks,helpers,visitor}.go`. */
import type { Container, PodSpec } from '../../../api/types.ts'

/** A pod, or the template of one. */
export interface Inspected { annotations?: Readonly<Record<string, string>> | undefined; spec: PodSpec }

/** What is forbidden, and which of the pod's values are: `hostPort (container "a" uses hostPort 80)`. */
export interface Finding { reason: string; detail: string }

/** Undefined: allowed. */
export type Check = (pod: Inspected) => Finding | undefined

/** Ephemeral containers have no ports and no probes, but what they have is called the same. */
export const containersOf = ({ initContainers = [], containers, ephemeralContainers = [] }: PodSpec): readonly Container[] => [...initContainers, ...containers, ...(ephemeralContainers as readonly Container[])]

export const namesWhere = (spec: PodSpec, isBad: (container: Container) => boolean): string[] => containersOf(spec).filter(isBad).map(({ name }) => name)

export const quoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(', ')
export const plural = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many)
export const sortedSet = (items: Iterable<string>): string[] => [...new Set(items)].sort()

/** `container "a"`, `containers "a", "b"`. */
export const theContainers = (names: readonly string[]): string => `${plural(names.length, 'container')} ${quoted(names)}`

/** Who has set something: `pod and containers "a", "b"`; '' if nobody. */
export const setters = (pod: boolean, names: readonly string[]): string => [...(pod ? ['pod'] : []), ...(names.length > 0 ? [theContainers(names)] : [])].join(' and ')

export const isWindows = ({ os }: PodSpec): boolean => os?.name === 'windows'
/** Root in a user namespace of its own is nobody outside of it. */
export const hasOwnUsers = ({ hostUsers }: PodSpec): boolean => hostUsers === false
