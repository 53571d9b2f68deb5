/** What a KubeletConfiguration says about pods' sources, images, logs, events, restarts and the node itself; flags come before it. Names and defaults as staging/src/k8s.io/kubelet/config/v1beta1. Pure. */
import path from 'node:path'
import { isDns1123Subdomain } from '../../api/names.ts'
import { isValidQuantity, toNumber } from '../../api/quantity.ts'
import type { Taint } from '../../api/types.ts'
import { defaultGarbagePolicy, type GarbagePolicy } from '../../../agents/kubelet/images/garbage.ts'
import type { KubeletOptions } from '../../../agents/kubelet/options.ts'
import { defaultLogLimits, logLimits } from '../../../agents/kubelet/runtime/logs/log-file.ts'
import { type Fail, type Fields, isMap, millisecondsOf, textOf, textsOf, wholeOf } from './configuration-values.ts'

type Given = 'staticPodURL' | 'maxPods' | 'clusterDNS' | 'providerID' | 'taints' | 'resolvConfFile' | 'maxParallelPulls' | 'pullRate' | 'eventRate' | 'maxRestartBackOffMilliseconds' | 'enforcePods' | 'kernelMemcgNotification' | 'imageGarbagePolicy' | 'moreStaticPods' | 'podLogsDirectory' | 'clusterDomain' | 'podsPerCore' | 'maxStatusImages' | 'neverVerifyImages' | 'cpuManager'

export interface NodeSettings { options: Partial<Pick<KubeletOptions, Given>>; logLimits?: LogSizes }

type LogSizes = NonNullable<Parameters<typeof logLimits>[0]>

export const settingFields = ['staticPodURL', 'staticPodURLHeader', 'fileCheckFrequency', 'httpCheckFrequency', 'maxPods', 'clusterDNS', 'providerID', 'registerWithTaints', 'resolvConf',
  'serializeImagePulls', 'maxParallelImagePulls', 'registryPullQPS', 'registryBurst', 'imageMinimumGCAge', 'imageMaximumGCAge', 'imageGCHighThresholdPercent', 'imageGCLowThresholdPercent',
  'containerLogMaxSize', 'containerLogMaxFiles', 'eventRecordQPS', 'eventBurst', 'crashLoopBackOff', 'enforceNodeAllocatable', 'kernelMemcgNotification', 'cpuManagerPolicy', 'cpuManagerPolicyOptions', 'staticPodPath', 'podLogsDir', 'clusterDomain', 'containerLogMaxWorkers', 'podsPerCore', 'nodeStatusMaxImages', 'imagePullCredentialsVerificationPolicy'] as const

const defaultCheck = '20s'
/** Upstream's kubelets never wait longer than this between restarts. */
const longestRestartMilliseconds = 300_000

/** As upstream: 0s is as if nothing were said. */
const orDefault = (value: unknown, fallback: string): unknown => (value === undefined || value === '0s' ? fallback : value)

const sourcesOf = ({ staticPodURL, staticPodURLHeader = {}, fileCheckFrequency, httpCheckFrequency }: Fields, fail: Fail): NodeSettings['options'] => {
  if (!isMap(staticPodURLHeader)) return fail('staticPodURLHeader', 'must be a map of lists')
  const headers = Object.fromEntries(Object.entries(staticPodURLHeader).map(([name, values]) => [name, textsOf(values, `staticPodURLHeader[${name}]`, fail)]))
  const url = staticPodURL === undefined ? '' : textOf(staticPodURL, 'staticPodURL', fail)
  if (url && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) fail('staticPodURL', 'must be an http or https URL')
  // Files are watched, and looked at from time to time beside that; how often is not theirs to say.
  if (millisecondsOf(orDefault(fileCheckFrequency, defaultCheck), 'fileCheckFrequency', fail) !== 20_000) fail('fileCheckFrequency', 'cannot be set: the directory is watched')
  const checkMilliseconds = millisecondsOf(orDefault(httpCheckFrequency, defaultCheck), 'httpCheckFrequency', fail)
  return { ...(url && { staticPodURL: { url, headers, checkMilliseconds } }) }
}

const taintsOf = (value: unknown, fail: Fail): Taint[] => (Array.isArray(value) ? value : fail('registerWithTaints', 'must be a list')).map((each: unknown, index) => {
  const at = `registerWithTaints[${index}]`
  const { key, value: text = '', effect } = isMap(each) ? each : fail(at, 'must have key and effect')
  if (typeof effect !== 'string' || !['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect)) return fail(`${at}.effect`, 'must be NoSchedule, PreferNoSchedule or NoExecute')
  return { key: textOf(key, `${at}.key`, fail), ...(text !== '' && { value: textOf(text, `${at}.value`, fail) }), effect }
})

const nodeOf = ({ maxPods, clusterDNS, providerID, registerWithTaints, resolvConf, enforceNodeAllocatable, crashLoopBackOff, kernelMemcgNotification }: Fields, fail: Fail): NodeSettings['options'] => {
  if (kernelMemcgNotification !== undefined && typeof kernelMemcgNotification !== 'boolean') return fail('kernelMemcgNotification', 'must be true or false')
  const pods = maxPods === undefined ? undefined : wholeOf(maxPods, 'maxPods', fail)
  if (pods !== undefined && pods < 0) fail('maxPods', 'must not be negative')
  const enforced = enforceNodeAllocatable === undefined ? undefined : textsOf(enforceNodeAllocatable, 'enforceNodeAllocatable', fail)
  for (const each of enforced ?? []) if (each !== 'pods' && each !== 'none') fail('enforceNodeAllocatable', `cannot have ${JSON.stringify(each)} on this cluster, which has no cgroups of the system's: it can have pods or none`)
  if (enforced?.includes('none') && enforced.length > 1) fail('enforceNodeAllocatable', 'cannot have none and something else')
  const restarts = crashLoopBackOff === undefined ? {} : isMap(crashLoopBackOff) ? crashLoopBackOff : fail('crashLoopBackOff', 'must be a map')
  for (const name of Object.keys(restarts)) if (name !== 'maxContainerRestartPeriod') fail(`crashLoopBackOff.${name}`, 'is not understood by this kubelet')
  const period = restarts['maxContainerRestartPeriod']
  const longest = period === undefined ? undefined : millisecondsOf(period, 'crashLoopBackOff.maxContainerRestartPeriod', fail)
  if (longest !== undefined && (longest < 1000 || longest > longestRestartMilliseconds)) fail('crashLoopBackOff.maxContainerRestartPeriod', 'must be set between 1s and 300s')
  return {
    ...(pods !== undefined && { maxPods: pods }), ...(clusterDNS !== undefined && { clusterDNS: textsOf(clusterDNS, 'clusterDNS', fail) }),
    ...(providerID !== undefined && { providerID: textOf(providerID, 'providerID', fail) }), ...(registerWithTaints !== undefined && { taints: taintsOf(registerWithTaints, fail) }), ...(resolvConf !== undefined && { resolvConfFile: textOf(resolvConf, 'resolvConf', fail) }),
    ...(enforced !== undefined && { enforcePods: enforced.includes('pods') }), ...(kernelMemcgNotification !== undefined && { kernelMemcgNotification }), ...(longest !== undefined && { maxRestartBackOffMilliseconds: longest }),
  }
}

/** So many a second, and so many at once; 0 a second is no limit. */
const rateOf = (fields: Fields, [perSecond, burst]: readonly [string, string], fallback: number, fail: Fail): { perSecond: number; burst: number } | undefined => {
  if (fields[perSecond] === undefined && fields[burst] === undefined) return undefined
  const [rate, most] = [fields[perSecond] === undefined ? fallback : wholeOf(fields[perSecond], perSecond, fail), fields[burst] === undefined ? fallback * 2 : wholeOf(fields[burst], burst, fail)]
  if (rate < 0) fail(perSecond, 'must not be negative')
  if (most < 0) fail(burst, 'must not be negative')
  return rate === 0 ? undefined : { perSecond: rate, burst: most }
}

const imagesOf = (fields: Fields, fail: Fail): NodeSettings['options'] => {
  const { serializeImagePulls: serialize, maxParallelImagePulls, imageMinimumGCAge, imageMaximumGCAge, imageGCHighThresholdPercent: high, imageGCLowThresholdPercent: low } = fields
  if (serialize !== undefined && typeof serialize !== 'boolean') return fail('serializeImagePulls', 'must be true or false')
  const most = maxParallelImagePulls === undefined || maxParallelImagePulls === null ? undefined : wholeOf(maxParallelImagePulls, 'maxParallelImagePulls', fail)
  if (most !== undefined && most < 1) fail('maxParallelImagePulls', 'must be a positive number')
  // As upstream: who allows several at a time does not want them one by one, unless that is said.
  if (most !== undefined && most > 1 && serialize === true) fail('maxParallelImagePulls', 'cannot be larger than 1 unless serializeImagePulls is false')
  const policy: GarbagePolicy = {
    highPercent: high === undefined ? defaultGarbagePolicy.highPercent : wholeOf(high, 'imageGCHighThresholdPercent', fail), lowPercent: low === undefined ? defaultGarbagePolicy.lowPercent : wholeOf(low, 'imageGCLowThresholdPercent', fail),
    minAgeMilliseconds: millisecondsOf(orDefault(imageMinimumGCAge, '2m'), 'imageMinimumGCAge', fail), maxAgeMilliseconds: imageMaximumGCAge === undefined ? 0 : millisecondsOf(imageMaximumGCAge, 'imageMaximumGCAge', fail),
  }
  for (const [field, percent] of [['imageGCHighThresholdPercent', policy.highPercent], ['imageGCLowThresholdPercent', policy.lowPercent]] as const) if (percent < 0 || percent > 100) fail(field, 'must be between 0 and 100, inclusive')
  if (policy.lowPercent >= policy.highPercent) fail('imageGCLowThresholdPercent', 'must be less than imageGCHighThresholdPercent')
  if (policy.maxAgeMilliseconds && policy.maxAgeMilliseconds <= policy.minAgeMilliseconds) fail('imageMaximumGCAge', 'must be greater than imageMinimumGCAge')
  const pullRate = rateOf(fields, ['registryPullQPS', 'registryBurst'], 5, fail)
  const saysGarbage = [high, low, imageMinimumGCAge, imageMaximumGCAge].some((each) => each !== undefined)
  return {
    ...(serialize === false || (most ?? 1) > 1 ? { maxParallelPulls: most ?? Infinity } : serialize === true || most === 1 ? { maxParallelPulls: 1 } : {}),
    ...(pullRate && { pullRate }), ...(saysGarbage && { imageGarbagePolicy: policy }),
  }
}

const logsOf = ({ containerLogMaxSize: size, containerLogMaxFiles: files, containerLogMaxWorkers: workers }: Fields, fail: Fail): { logLimits?: LogSizes } => {
  if (size === undefined && files === undefined && workers === undefined) return {}
  const text = size === undefined ? undefined : textOf(size, 'containerLogMaxSize', fail)
  if (text !== undefined && (!isValidQuantity(text) || toNumber(text) <= 0)) fail('containerLogMaxSize', 'must be a quantity like 10Mi')
  const maxFiles = files === undefined ? defaultLogLimits.maxFiles : wholeOf(files, 'containerLogMaxFiles', fail)
  if (maxFiles <= 1) fail('containerLogMaxFiles', 'must be greater than 1')
  const maxWorkers = workers === undefined ? defaultLogLimits.maxWorkers : wholeOf(workers, 'containerLogMaxWorkers', fail)
  if (maxWorkers < 1) fail('containerLogMaxWorkers', 'must be greater than or equal to 1')
  return { logLimits: { maxBytes: text === undefined ? defaultLogLimits.maxBytes : toNumber(text), maxFiles, maxWorkers } }
}

const directoryOf = (value: unknown, field: string, fail: Fail): string | undefined => {
  const text = value === undefined ? '' : textOf(value, field, fail)
  if (text !== '' && (!path.isAbsolute(text) || path.normalize(text) !== text || /[^\x20-\x7e]/.test(text))) fail(field, 'must be an absolute path of ASCII characters, without "..", "." and double slashes')
  return text || undefined
}

/** What upstream's policies say of images that lie here; loaded ones are everybody's in both. */
const verification = ['NeverVerifyPreloadedImages', 'NeverVerify']

const moreOf = ({ staticPodPath, podLogsDir, clusterDomain, podsPerCore, nodeStatusMaxImages, imagePullCredentialsVerificationPolicy: verify }: Fields, fail: Fail): NodeSettings['options'] => {
  const domain = clusterDomain === undefined ? '' : textOf(clusterDomain, 'clusterDomain', fail)
  const [problem] = domain === '' ? [] : isDns1123Subdomain(domain)
  if (problem !== undefined) fail('clusterDomain', problem)
  const perCore = podsPerCore === undefined ? 0 : wholeOf(podsPerCore, 'podsPerCore', fail)
  if (perCore < 0) fail('podsPerCore', 'must not be negative')
  const images = nodeStatusMaxImages === undefined || nodeStatusMaxImages === null ? undefined : wholeOf(nodeStatusMaxImages, 'nodeStatusMaxImages', fail)
  if (images !== undefined && images < -1) fail('nodeStatusMaxImages', 'must be -1 or greater')
  if (verify !== undefined && verify !== '' && !verification.includes(textOf(verify, 'imagePullCredentialsVerificationPolicy', fail))) fail('imagePullCredentialsVerificationPolicy', `can only be ${verification.join(' or ')} on this kubelet: loaded images are everybody's`)
  const [moreStaticPods, podLogsDirectory] = [directoryOf(staticPodPath, 'staticPodPath', fail), directoryOf(podLogsDir, 'podLogsDir', fail)]
  return {
    ...(moreStaticPods && { moreStaticPods }), ...(podLogsDirectory && { podLogsDirectory }), ...(domain && { clusterDomain: domain }), ...(perCore > 0 && { podsPerCore: perCore }),
    ...(images !== undefined && { maxStatusImages: images }), ...(verify === 'NeverVerify' && { neverVerifyImages: true }),
  }
}

export const settingsOf = (fields: Fields, fail: Fail): NodeSettings => {
  const eventRate = rateOf(fields, ['eventRecordQPS', 'eventBurst'], 50, fail)
  return { options: { ...sourcesOf(fields, fail), ...nodeOf(fields, fail), ...moreOf(fields, fail), ...imagesOf(fields, fail), ...(eventRate && { eventRate }) }, ...logsOf(fields, fail) }
}
