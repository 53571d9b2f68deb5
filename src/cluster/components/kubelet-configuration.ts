/**
 * `--config` of the kubelet: a KubeletConfiguration (kubelet.config.k8s.io/v1beta1), of which only what follows here is understood; everything else is refused by name.
 * Mirrors the fields' meaning in staging/src/k8s.io/kubelet/config/v1beta1. Pure.
 */
import { parse } from 'yaml'
import type { EvictionSettings } from '../../../agents/kubelet/eviction/evictor.ts'
import { type Amount, defaultThresholds, type Signal, type Threshold } from '../../../agents/kubelet/eviction/threshold.ts'
import { allowedSysctlProblem } from '../../../agents/kubelet/sysctls.ts'
import { type GraceOfPriority, graceByCriticality } from '../../../agents/kubelet/node-shutdown/shutdown-groups.ts'
import { addQuantities, formatQuantity, isValidQuantity, toMilli, toNumber } from '../../api/quantity.ts'
import { UserError } from '../user-error.ts'
import { cpusOf, type Fail, type Fields, isMap, mapOf, millisecondsOf, wholeOf } from './configuration-values.ts'
import { checkFixedFields, unhonouredFields } from './kubelet-fixed-fields.ts'
import { type NodeSettings, settingFields, settingsOf } from './kubelet-settings.ts'

export interface KubeletConfiguration { settings: NodeSettings; eviction: Partial<EvictionSettings>; graces: GraceOfPriority[]; reserved: Record<string, string>; security: { seccompDefault?: boolean; podPidsLimit?: number; allowedUnsafeSysctls?: readonly string[] } }

const known = ['apiVersion', 'kind', 'evictionHard', 'evictionSoft', 'evictionSoftGracePeriod', 'evictionMaxPodGracePeriod', 'evictionPressureTransitionPeriod', 'evictionMinimumReclaim',
  'mergeDefaultEvictionSettings', 'systemReserved', 'kubeReserved', 'shutdownGracePeriod', 'shutdownGracePeriodCriticalPods', 'shutdownGracePeriodByPodPriority',
  'reservedSystemCPUs', 'seccompDefault', 'allowedUnsafeSysctls', 'podPidsLimit', ...settingFields]
const signals: readonly Signal[] = ['memory.available', 'allocatableMemory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree', 'pid.available']
const reservable = ['cpu', 'memory', 'ephemeral-storage']

const amountOf = (text: string, field: string, fail: Fail): Amount => {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent !== undefined && Number(percent) <= 100) return { fraction: Number(percent) / 100 }
  return isValidQuantity(text) && toNumber(text) >= 0 ? { quantity: toNumber(text) } : fail(field, 'must be a quantity like 100Mi, or a percentage like 10%')
}

const thresholdsOf = (fields: Fields, fail: Fail): Threshold[] => {
  const [hard, soft, graces, reclaims] = ['evictionHard', 'evictionSoft', 'evictionSoftGracePeriod', 'evictionMinimumReclaim'].map((field) => mapOf(fields, field, fail))
  const signalOf = (name: string, field: string): Signal => signals.find((each) => each === name) ?? fail(`${field}[${name}]`, `is no signal of this kubelet: ${signals.join(', ')}`)
  const make = (list: Record<string, string> = {}, field: string, grace: (name: string) => number): Threshold[] => Object.entries(list).flatMap(([name, text]) => {
    const [signal, value] = [signalOf(name, field), amountOf(text, `${field}[${name}]`, fail)]
    const reclaim = reclaims && Object.hasOwn(reclaims, name) ? reclaims[name] : undefined
    // A threshold of nothing is none, as upstream has it.
    if (('fraction' in value ? value.fraction : value.quantity) === 0) return []
    return [{ signal, value, graceMilliseconds: grace(name), ...(reclaim !== undefined && { minReclaim: amountOf(reclaim, `evictionMinimumReclaim[${name}]`, fail) }) }]
  })
  for (const name of Object.keys(reclaims ?? {})) signalOf(name, 'evictionMinimumReclaim')
  for (const name of Object.keys(graces ?? {})) if (!soft || !Object.hasOwn(soft, name)) fail(`evictionSoftGracePeriod[${name}]`, 'has no evictionSoft of that name')
  const merge = fields['mergeDefaultEvictionSettings'] ?? false
  if (typeof merge !== 'boolean') fail('mergeDefaultEvictionSettings', 'must be true or false')
  const hards = make(hard, 'evictionHard', () => 0)
  const named = new Set(Object.keys(hard ?? {}))
  const defaults = fields['evictionHard'] === undefined || merge ? defaultThresholds.filter(({ signal }) => !named.has(signal)) : []
  return [...hards, ...defaults, ...make(soft, 'evictionSoft', (name) => {
    const grace = graces && Object.hasOwn(graces, name) ? graces[name] : undefined
    return grace === undefined ? fail(`evictionSoft[${name}]`, 'needs an evictionSoftGracePeriod') : millisecondsOf(grace, `evictionSoftGracePeriod[${name}]`, fail)
  })]
}

const gracesOf = (fields: Fields, fail: Fail): GraceOfPriority[] => {
  const list = fields['shutdownGracePeriodByPodPriority']
  const seconds = (field: string): number => (fields[field] === undefined ? 0 : millisecondsOf(fields[field], field, fail) / 1000)
  const [whole, critical] = [seconds('shutdownGracePeriod'), seconds('shutdownGracePeriodCriticalPods')]
  if (critical > whole) fail('shutdownGracePeriodCriticalPods', 'must not be longer than shutdownGracePeriod')
  if (list === undefined) return graceByCriticality(whole, critical)
  if (!Array.isArray(list)) return fail('shutdownGracePeriodByPodPriority', 'must be a list')
  if (whole > 0 || critical > 0) return fail('shutdownGracePeriodByPodPriority', 'cannot be set together with shutdownGracePeriod and shutdownGracePeriodCriticalPods')
  return list.map((each: unknown, index): GraceOfPriority => {
    const at = `shutdownGracePeriodByPodPriority[${index}]`
    if (!isMap(each)) return fail(at, 'must have priority and shutdownGracePeriodSeconds')
    return { priority: wholeOf(each['priority'] ?? 0, `${at}.priority`, fail), graceSeconds: wholeOf(each['shutdownGracePeriodSeconds'], `${at}.shutdownGracePeriodSeconds`, fail) }
  })
}

const reservedOf = (fields: Fields, fail: Fail): Record<string, string> => {
  const sum: Record<string, string> = {}
  for (const field of ['systemReserved', 'kubeReserved']) {
    for (const [name, text] of Object.entries(mapOf(fields, field, fail))) {
      if (!reservable.includes(name)) fail(`${field}[${name}]`, `cannot be reserved on this cluster: ${reservable.join(', ')} can`)
      if (!isValidQuantity(text) || toNumber(text) < 0) fail(`${field}[${name}]`, 'must be a quantity like 500m or 1Gi')
      sum[name] = formatQuantity(addQuantities(sum[name] ?? '0', text))
    }
  }
  const cpus = fields['reservedSystemCPUs']
  // As upstream: a list of CPUs stands for the amounts.
  if (cpus !== undefined && cpus !== '') sum['cpu'] = String(cpusOf(cpus, 'reservedSystemCPUs', fail).length)
  return sum
}

const booleans: Readonly<Record<string, boolean>> = { 1: true, t: true, T: true, true: true, TRUE: true, True: true, 0: false, f: false, F: false, false: false, FALSE: false, False: false }

const policyOptionsOf = (fields: Fields, fail: Fail): { fullCores?: boolean; strict?: boolean } => {
  const wanted = Object.entries(mapOf(fields, 'cpuManagerPolicyOptions', fail)).map(([name, value]): [string, boolean] => {
    if (name !== 'full-pcpus-only' && name !== 'strict-cpu-reservation') return fail(`cpuManagerPolicyOptions[${name}]`, 'is no option of this kubelet: full-pcpus-only and strict-cpu-reservation are')
    return [name, Object.hasOwn(booleans, value) ? booleans[value] ?? false : fail(`cpuManagerPolicyOptions[${name}]`, 'must be true or false')]
  })
  const is = (option: string): boolean => wanted.some(([name, value]) => name === option && value)
  return { ...(is('full-pcpus-only') && { fullCores: true }), ...(is('strict-cpu-reservation') && { strict: true }) }
}

/** As upstream: the static policy keeps for the system what is reserved for it, in whole CPUs. */
const cpuManagerOf = (fields: Fields, reserved: Record<string, string>, fail: Fail): NodeSettings['options'] => {
  const { cpuManagerPolicy: policy = 'none', reservedSystemCPUs: named } = fields
  const more = policyOptionsOf(fields, fail)
  if ((policy === '' || policy === 'none') && Object.keys(mapOf(fields, 'cpuManagerPolicyOptions', fail)).length > 0) return fail('cpuManagerPolicyOptions', 'are the static policy\'s: the policy none has none')
  if (policy === '' || policy === 'none') return {}
  if (policy !== 'static') return fail('cpuManagerPolicy', 'must be none or static')
  const milli = toMilli(reserved['cpu'] ?? '0')
  if (milli === 0n) return fail('cpuManagerPolicy', 'can only be static where CPUs are reserved for the system: the static policy requires systemReserved.cpu + kubeReserved.cpu, or reservedSystemCPUs, to be greater than zero')
  return { cpuManager: { reserved: named === undefined || named === '' ? { milli } : { named: cpusOf(named, 'reservedSystemCPUs', fail) }, ...more } }
}

const securityOf = ({ seccompDefault, podPidsLimit, allowedUnsafeSysctls: sysctls = [] }: Fields, fail: Fail): KubeletConfiguration['security'] => {
  if (seccompDefault !== undefined && typeof seccompDefault !== 'boolean') return fail('seccompDefault', 'must be true or false')
  const limit = podPidsLimit === undefined ? -1 : wholeOf(podPidsLimit, 'podPidsLimit', fail)
  // As upstream: anything below nothing is no limit.
  if (!Array.isArray(sysctls) || !sysctls.every((each): each is string => typeof each === 'string')) return fail('allowedUnsafeSysctls', 'must be a list of texts')
  for (const [index, each] of sysctls.entries()) { const problem = allowedSysctlProblem(each); if (problem !== undefined) fail(`allowedUnsafeSysctls[${index}]`, `cannot be: ${problem}`) }
  return { ...(sysctls.length > 0 && { allowedUnsafeSysctls: sysctls }), ...(seccompDefault !== undefined && { seccompDefault }), ...(limit > 0 ? { podPidsLimit: limit } : limit === 0 ? fail('podPidsLimit', 'must be positive, or -1 for no limit') : {}) }
}

/** `file` is named in errors. */
export const parseKubeletConfiguration = (text: string, file: string): KubeletConfiguration => {
  const fail: Fail = (field, why) => { throw new UserError(`wherry kubelet: ${file}: ${field} ${why}`, 2) }
  let fields: unknown
  try { fields = parse(text) } catch (error) { return fail('the file', `is no YAML: ${(error as Error).message}`) }
  if (!isMap(fields)) return fail('the file', 'must hold a KubeletConfiguration')
  if (fields['apiVersion'] !== 'kubelet.config.k8s.io/v1beta1' || fields['kind'] !== 'KubeletConfiguration') fail('the file', 'must have apiVersion kubelet.config.k8s.io/v1beta1 and kind KubeletConfiguration')
  checkFixedFields(fields, fail)
  for (const field of Object.keys(fields)) if (!known.includes(field) && !unhonouredFields.includes(field)) fail(field, `is not understood by this kubelet: it has ${known.slice(2).join(', ')}`)
  const { evictionMaxPodGracePeriod, evictionPressureTransitionPeriod } = fields
  const [settings, reserved] = [settingsOf(fields, fail), reservedOf(fields, fail)]
  return {
    settings: { ...settings, options: { ...settings.options, ...cpuManagerOf(fields, reserved, fail) } }, graces: gracesOf(fields, fail), reserved, security: securityOf(fields, fail),
    eviction: {
      thresholds: thresholdsOf(fields, fail),
      ...(evictionMaxPodGracePeriod !== undefined && { maxPodGraceSeconds: wholeOf(evictionMaxPodGracePeriod, 'evictionMaxPodGracePeriod', fail) }),
      // As upstream: 0s is as if nothing were said.
      ...(evictionPressureTransitionPeriod !== undefined && evictionPressureTransitionPeriod !== '0s' && { transitionMilliseconds: millisecondsOf(evictionPressureTransitionPeriod, 'evictionPressureTransitionPeriod', fail) }),
    },
  }
}
