/** What a namespace's new level would forbid of the pods that are there: they stay, but whoever sets it is told. Mirrors EvaluatePodsInNamespace of `pod-security-admission/admission/admission.go`. */
import type { Pod } from '../../../api/types.ts'
import { evaluate, reasonsText } from './evaluate.ts'
import { policyText, type LevelVersion } from './policy.ts'

const mostPods = 3_000

/** One pod of each controller first: they are alike. */
const prioritized = (pods: readonly Pod[]): Pod[] => {
  const seen = new Set<string>()
  const [first, rest]: [Pod[], Pod[]] = [[], []]
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid
    ;(owner !== undefined && seen.has(owner) ? rest : first).push(pod)
    if (owner !== undefined) seen.add(owner)
  }
  return [...first, ...rest]
}

const withOthers = (names: readonly string[]): string => {
  const others = names.length - 1
  const first = [...names].sort()[0] ?? ''
  return others === 0 ? first : `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`
}

/** Warnings; upstream also stops after a second, which so many pods do not take here. */
export const warningsAbout = (pods: readonly Pod[], namespace: string, { enforce, exemptRuntimeClasses = [] }: { enforce: LevelVersion; exemptRuntimeClasses?: readonly string[] }): string[] => {
  const checked = prioritized(pods).slice(0, mostPods)
  const named = new Map<string, string[]>()
  for (const { metadata, spec } of checked) {
    if (exemptRuntimeClasses.includes(spec.runtimeClassName ?? '')) continue
    const reasons = reasonsText(evaluate({ annotations: metadata.annotations, spec }, enforce))
    if (reasons !== '') named.set(reasons, [...(named.get(reasons) ?? []), metadata.name])
  }
  return [
    ...(checked.length < pods.length ? [`new PodSecurity enforce level only checked against the first ${checked.length} of ${pods.length} existing pods`] : []),
    ...(named.size > 0 ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(policyText(enforce))}`] : []),
    ...[...named].map(([reasons, names]) => `${withOthers(names)}: ${reasons}`).sort(),
  ]
}
