/** Eviction thresholds: how little of something is too little. Mirrors pkg/kubelet/eviction/api and helpers.go. Pure. */

import { formatQuantity, quantityOf } from '../../../src/api/quantity.ts'

export type Signal = 'memory.available' | 'allocatableMemory.available' | 'nodefs.available' | 'nodefs.inodesFree' | 'imagefs.available' | 'imagefs.inodesFree' | 'pid.available'

/** An amount in the signal's own unit (bytes, inodes, processes), or a part of the capacity (0.1 for 10 %). */
export type Amount = { quantity: number } | { fraction: number }

export interface Threshold {
  signal: Signal
  value: Amount
  /** How long it must be met before pods are evicted; 0: a hard one. */
  graceMilliseconds: number
  /** So much more must be free before the threshold counts as left behind. */
  minReclaim?: Amount
}

export interface Observation { available: number; capacity: number }
/** What could not be observed is absent. */
export type Observations = Readonly<Partial<Record<Signal, Observation>>>

/** Upstream's default hard thresholds on Linux. */
export const defaultThresholds: readonly Threshold[] = [
  { signal: 'memory.available', value: { quantity: 100 * 2 ** 20 }, graceMilliseconds: 0 },
  { signal: 'nodefs.available', value: { fraction: 0.1 }, graceMilliseconds: 0 },
  { signal: 'nodefs.inodesFree', value: { fraction: 0.05 }, graceMilliseconds: 0 },
  { signal: 'imagefs.available', value: { fraction: 0.15 }, graceMilliseconds: 0 },
  { signal: 'imagefs.inodesFree', value: { fraction: 0.05 }, graceMilliseconds: 0 },
]

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'

export const pressureOf: Readonly<Record<Signal, Pressure>> = {
  'memory.available': 'MemoryPressure', 'allocatableMemory.available': 'MemoryPressure', 'nodefs.available': 'DiskPressure', 'nodefs.inodesFree': 'DiskPressure', 'imagefs.available': 'DiskPressure', 'imagefs.inodesFree': 'DiskPressure', 'pid.available': 'PIDPressure',
}

/** What pods are evicted for. */
export type Resource = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'

export const resourceOf: Readonly<Record<Signal, Resource>> = {
  'memory.available': 'memory', 'allocatableMemory.available': 'memory', 'nodefs.available': 'ephemeral-storage', 'nodefs.inodesFree': 'inodes', 'imagefs.available': 'ephemeral-storage', 'imagefs.inodesFree': 'inodes', 'pid.available': 'pids',
}

export const amountOf = (amount: Amount, capacity: number): number => ('quantity' in amount ? amount.quantity : Math.floor(capacity * amount.fraction))

/** Where all pods together have a limit, it is to be kept clear of as the machine's end is. Mirrors addAllocatableThresholds. */
export const withAllocatable = (thresholds: readonly Threshold[]): Threshold[] =>
  [...thresholds, ...thresholds.filter(({ signal, graceMilliseconds }) => signal === 'memory.available' && graceMilliseconds === 0).map((each): Threshold => ({ ...each, signal: 'allocatableMemory.available' }))]

/** `withReclaim`: the threshold has been met before, and is left behind only when more than its value is free. */
export const isMet = ({ signal, value, minReclaim }: Threshold, observations: Observations, withReclaim: boolean): boolean => {
  const observed = observations[signal]
  if (!observed) return false
  const needed = amountOf(value, observed.capacity) + (withReclaim && minReclaim ? amountOf(minReclaim, observed.capacity) : 0)
  return needed > observed.available
}

export const keyOf = ({ signal, value, graceMilliseconds }: Threshold): string => JSON.stringify([signal, value, graceMilliseconds])

const amountText = (amount: Amount, signal: Signal): string =>
  ('fraction' in amount ? `${Number((amount.fraction * 100).toFixed(4))}%` : formatQuantity(quantityOf(amount.quantity, signal.endsWith('.available') && signal !== 'pid.available' ? 'BinarySI' : 'DecimalSI')))

/** As a KubeletConfiguration has them: hard ones (`hard`), or soft ones. */
export const thresholdTexts = (thresholds: readonly Threshold[], hard: boolean): Record<string, string> =>
  Object.fromEntries(thresholds.filter(({ graceMilliseconds }) => (graceMilliseconds === 0) === hard).map(({ signal, value }) => [signal, amountText(value, signal)]))
