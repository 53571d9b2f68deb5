/**
 * Fields of a KubeletConfiguration that say how something is that here is one way only: they may say just that, or nothing. The others that upstream's kubelet has, and why this one
 * does not honour them. Names as in staging/src/k8s.io/kubelet/config/v1beta1. Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Fail, type Fields, isMap } from './configuration-values.ts'

/** What a field may be, and why it may be nothing else. */
const fixed: Readonly<Record<string, readonly [value: unknown, why: string]>> = {
  enableServer: [true, 'logs, commands and metrics are asked of it'], readOnlyPort: [0, 'whoever asks it must say who they are'], address: ['0.0.0.0', 'the API server reaches it by the node\'s address'],
  rotateCertificates: [false, 'its certificates are made with the node and replaced by "wherry up"'], serverTLSBootstrap: [false, 'its certificates are made with the node and replaced by "wherry up"'],
  cgroupDriver: ['cgroupfs', 'it makes cgroups itself, below one of its own'], cgroupsPerQOS: [true, 'each pod has a cgroup in that of its class'], cgroupRoot: ['', 'they are below wherry-<cluster>/<node>'],
  kubeletCgroups: ['', 'no cgroups of the system\'s are touched'], systemCgroups: ['', 'no cgroups of the system\'s are touched'], systemReservedCgroup: ['', 'no cgroups of the system\'s are touched'], kubeReservedCgroup: ['', 'no cgroups of the system\'s are touched'],
  failSwapOn: [false, 'it starts whatever swap the machine has, and pods get none of it'], memorySwap: [{ swapBehavior: 'NoSwap' }, 'pods get no swap'], failCgroupV1: [false, 'it runs on both versions'],
  protectKernelDefaults: [false, 'it leaves the kernel\'s settings as they are'], cpuCFSQuota: [true, 'limits of CPU are enforced'], cpuCFSQuotaPeriod: ['100ms', 'limits of CPU are enforced over this time'],
  memoryManagerPolicy: ['None', 'it pins no container to memory'], topologyManagerPolicy: ['none', 'it aligns CPUs with nothing'], topologyManagerScope: ['container', 'it aligns CPUs with nothing'],
  configMapAndSecretChangeDetectionStrategy: ['Watch', 'what pods refer to is watched'], enableControllerAttachDetach: [true, 'a controller attaches volumes'], localStorageCapacityIsolation: [true, 'local storage is counted and limited'],
  enableDebuggingHandlers: [true, 'logs, commands and ports are asked of it'], enableSystemLogHandler: [true, 'the machine\'s logs are shown to who may see them'], enableSystemLogQuery: [false, 'its journal is not asked'],
  enableContentionProfiling: [false, 'it has no profiles'], enableProfilingHandler: [false, 'it has no profiles'], enableDebugFlagsHandler: [false, 'it has no flags that change while it runs'], registerNode: [true, 'without a Node no pods come from the API server'],
  containerLogMonitorInterval: ['10s', 'a log is turned over as soon as it is full'], containerRuntimeEndpoint: ['', 'it is its own runtime'], imageServiceEndpoint: ['', 'it keeps images itself'], runOnce: [false, 'pods are kept running'], podCIDR: ['', 'the API server says it'],
  nodeLeaseDurationSeconds: [40, 'controllers wait this long for a sign of life'], showHiddenMetricsForVersion: ['', 'no metrics are hidden'],
}

/** Those that must stay unsaid. */
const refused: Readonly<Record<string, string>> = {
  port: 'the flag --port says it', healthzPort: 'its health is asked at its one port', healthzBindAddress: 'its health is asked at its one port', authentication: 'users are believed by certificates of the cluster, and tokens by the API server', authorization: 'the API server is asked',
  tlsCertFile: 'the flag --tls-cert-file says it', tlsPrivateKeyFile: 'the flag --tls-private-key-file says it', tlsCipherSuites: 'they are Node\'s', tlsMinVersion: 'it is Node\'s', tlsCurvePreferences: 'they are Node\'s',
  syncFrequency: 'pods are looked at when something changes', nodeStatusUpdateFrequency: 'it is 10s', nodeStatusReportFrequency: 'it is 5m', volumeStatsAggPeriod: 'volumes are measured when they are asked for', runtimeRequestTimeout: 'it is its own runtime', streamingConnectionIdleTimeout: 'connections last as long as both ends want them',
  cpuManagerReconcilePeriod: 'cgroups are written when something changes', topologyManagerPolicyOptions: 'policies have none here', reservedMemory: 'it pins no container to memory', qosReserved: 'nothing is reserved for a class', singleProcessOOMKill: 'the kernel\'s version of cgroups decides', memoryThrottlingFactor: 'memory is limited, and not slowed down', userNamespaces: 'each pod with users of its own has 65536 of them',
  hairpinMode: 'the pod network decides', oomScoreAdj: 'its keeper decides', maxOpenFiles: 'its keeper decides', contentType: 'it speaks gRPC with the API server', kubeAPIQPS: 'what it asks the API server is not limited', kubeAPIBurst: 'what it asks the API server is not limited',
  makeIPTablesUtilChains: 'kube-proxy keeps them', iptablesMasqueradeBit: 'kube-proxy keeps it', iptablesDropBit: 'kube-proxy keeps it', volumePluginDir: 'there are no flex volumes',
  preloadedImagesVerificationAllowlist: 'loaded images are everybody\'s', featureGates: 'it has none', logging: 'it writes JSON lines', tracing: 'it traces nothing',
}

export const unhonouredFields: readonly string[] = [...Object.keys(fixed), ...Object.keys(refused)]

/** As upstream: of a field with nothing in it the default counts. */
const saysNothing = (value: unknown): boolean => value === undefined || value === null || value === '' || value === '0s' || value === 0 || (Array.isArray(value) && value.length === 0) || (isMap(value) && Object.values(value).every(saysNothing))

/** Of these 0 is a value like others. */
const zeroSays = ['oomScoreAdj', 'iptablesMasqueradeBit', 'iptablesDropBit', 'kubeAPIBurst', 'memoryThrottlingFactor']

export const checkFixedFields = (fields: Fields, fail: Fail): void => {
  for (const [field, value] of Object.entries(fields)) {
    if (saysNothing(value) && !(value === 0 && zeroSays.includes(field))) continue
    if (Object.hasOwn(fixed, field)) {
      const [only, why] = fixed[field] ?? []
      if (!isDeepStrictEqual(value, only)) fail(field, `can only be ${typeof only === 'string' ? only || 'empty' : JSON.stringify(only)} on this kubelet: ${why ?? ''}`)
    }
    if (Object.hasOwn(refused, field)) fail(field, `cannot be set on this kubelet: ${refused[field] ?? ''}`)
  }
}
