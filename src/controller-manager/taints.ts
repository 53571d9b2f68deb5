/** Taints and what tolerates them. Mirrors k8s.io/component-helpers/scheduling/corev1/helpers.go and pkg/controller/tainteviction. */
import type { Taint, Toleration } from '../api/types.ts'

export const taintKeys = {
  notReady: 'node.kubernetes.io/not-ready', unreachable: 'node.kubernetes.io/unreachable', unschedulable: 'node.kubernetes.io/unschedulable',
  memoryPressure: 'node.kubernetes.io/memory-pressure', diskPressure: 'node.kubernetes.io/disk-pressure', pidPressure: 'node.kubernetes.io/pid-pressure',
  networkUnavailable: 'node.kubernetes.io/network-unavailable', outOfService: 'node.kubernetes.io/out-of-service',
} as const

const comparesNumbers = (operator: 'Gt' | 'Lt', taint: Taint, toleration: Toleration): boolean => {
  const [of, limit] = [taint.value ?? '', toleration.value ?? '']
  if (!/^-?\d+$/.test(of) || !/^-?\d+$/.test(limit)) return false
  return operator === 'Gt' ? BigInt(of) > BigInt(limit) : BigInt(of) < BigInt(limit)
}

/** An empty effect matches all effects, an empty key with `Exists` all taints. */
export const tolerates = (toleration: Toleration, taint: Taint): boolean => {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  switch (toleration.operator ?? 'Equal') {
    case '': case 'Equal': return Boolean(toleration.key) && (toleration.value ?? '') === (taint.value ?? '')
    case 'Exists': return true
    case 'Gt': case 'Lt': return comparesNumbers(toleration.operator as 'Gt' | 'Lt', taint, toleration)
    default: return false
  }
}

export const isTolerated = (taint: Taint, tolerations: readonly Toleration[] | undefined): boolean => (tolerations ?? []).some((each) => tolerates(each, taint))

/** The same key and effect: a node has at most one of each. */
export const sameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect
