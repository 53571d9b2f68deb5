import { describe, expect, test } from 'vitest'
import { defaultThresholds } from '../../agents/kubelet/eviction/threshold.ts'
import { parseKubeletConfiguration } from '../../src/cluster/components/kubelet-configuration.ts'

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n'
const read = (text: string) => parseKubeletConfiguration(head + text, 'kubelet.yaml')

describe('a kubelet configuration', () => {
  test('that says nothing leaves the defaults', () => { expect(read('')).toEqual({ eviction: { thresholds: defaultThresholds }, graces: [], reserved: {}, security: {}, settings: { options: {} } }) })
  test('thresholds, hard and soft', () => {
    expect(read('evictionHard: {memory.available: 200Mi, nodefs.available: 0%, pid.available: 10%}\nevictionSoft: {memory.available: 1Gi}\nevictionSoftGracePeriod: {memory.available: 1m30s}\nevictionMinimumReclaim: {memory.available: 50Mi}\nevictionMaxPodGracePeriod: 30\nevictionPressureTransitionPeriod: 30s\n').eviction).toEqual({
      thresholds: [
        { signal: 'memory.available', value: { quantity: 200 * 2 ** 20 }, graceMilliseconds: 0, minReclaim: { quantity: 50 * 2 ** 20 } }, { signal: 'pid.available', value: { fraction: 0.1 }, graceMilliseconds: 0 },
        { signal: 'memory.available', value: { quantity: 2 ** 30 }, graceMilliseconds: 90_000, minReclaim: { quantity: 50 * 2 ** 20 } },
      ], maxPodGraceSeconds: 30, transitionMilliseconds: 30_000,
    })
  })
  test('hard ones beside the defaults', () => {
    const { thresholds } = read('evictionHard: {memory.available: 200Mi}\nmergeDefaultEvictionSettings: true\n').eviction
    expect(thresholds?.map(({ signal }) => signal)).toEqual(['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree'])
  })
  test('grace at shutdown, in two parts or by priority', () => {
    expect(read('shutdownGracePeriod: 30s\nshutdownGracePeriodCriticalPods: 10s\n').graces).toEqual([{ priority: 0, graceSeconds: 20 }, { priority: 2_000_000_000, graceSeconds: 10 }])
    expect(read('shutdownGracePeriodByPodPriority:\n- {priority: 100, shutdownGracePeriodSeconds: 10}\n- {priority: 0, shutdownGracePeriodSeconds: 60}\n').graces).toEqual([{ priority: 100, graceSeconds: 10 }, { priority: 0, graceSeconds: 60 }])
  })
  test('what pods may do', () => {
    expect(read('seccompDefault: true\npodPidsLimit: 100\n').security).toEqual({ seccompDefault: true, podPidsLimit: 100 })
    expect(read('podPidsLimit: -1\n').security).toEqual({})
    expect(read('allowedUnsafeSysctls: [kernel.msg*, net.core.somaxconn]\n').security).toEqual({ allowedUnsafeSysctls: ['kernel.msg*', 'net.core.somaxconn'] })
  })
  test('what is reserved is summed up', () => { expect(read('systemReserved: {cpu: 500m, memory: 1Gi}\nkubeReserved: {cpu: "1"}\n').reserved).toEqual({ cpu: '1500m', memory: '1Gi' }) })

  test('a list of CPUs stands for what is reserved of them', () => { expect(read('systemReserved: {cpu: 500m, memory: 1Gi}\nreservedSystemCPUs: 0,2-3,3\n').reserved).toEqual({ cpu: '3', memory: '1Gi' }) })
  test('pods from a URL', () => {
    expect(read('staticPodURL: https://pods.example/list\nstaticPodURLHeader: {Authorization: [Bearer x], X-Two: [a, b]}\nhttpCheckFrequency: 1m\n').settings.options).toEqual({ staticPodURL: { url: 'https://pods.example/list', headers: { Authorization: ['Bearer x'], 'X-Two': ['a', 'b'] }, checkMilliseconds: 60_000 } })
    expect(read('staticPodURL: http://a/\nhttpCheckFrequency: 0s\nfileCheckFrequency: 0s\n').settings.options.staticPodURL?.checkMilliseconds).toBe(20_000)
  })
  test('images', () => {
    expect(read('serializeImagePulls: false\nmaxParallelImagePulls: 4\nregistryPullQPS: 2\nregistryBurst: 3\nimageMinimumGCAge: 1m\nimageMaximumGCAge: 24h\nimageGCHighThresholdPercent: 70\nimageGCLowThresholdPercent: 60\n').settings.options).toEqual(
      { maxParallelPulls: 4, pullRate: { perSecond: 2, burst: 3 }, imageGarbagePolicy: { highPercent: 70, lowPercent: 60, minAgeMilliseconds: 60_000, maxAgeMilliseconds: 86_400_000 } })
    expect(read('serializeImagePulls: false\n').settings.options).toEqual({ maxParallelPulls: Infinity })
    expect(read('registryPullQPS: 0\n').settings.options).toEqual({})
  })
  test('logs, events, restarts and the node', () => {
    expect(read('containerLogMaxSize: 1Mi\ncontainerLogMaxFiles: 3\n').settings.logLimits).toEqual({ maxBytes: 2 ** 20, maxFiles: 3, maxWorkers: 1 })
    expect(read('containerLogMaxWorkers: 4\n').settings.logLimits).toEqual({ maxBytes: 10 * 2 ** 20, maxFiles: 5, maxWorkers: 4 })
    expect(read('eventRecordQPS: 5\ncrashLoopBackOff: {maxContainerRestartPeriod: 30s}\nmaxPods: 20\nclusterDNS: [169.254.20.10]\nproviderID: metal://1\nregisterWithTaints: [{key: dedicated, value: gpu, effect: NoSchedule}]\nresolvConf: /run/resolv.conf\nenforceNodeAllocatable: [none]\nkernelMemcgNotification: false\ncpuManagerPolicy: none\n').settings.options).toEqual({
      eventRate: { perSecond: 5, burst: 100 }, maxRestartBackOffMilliseconds: 30_000, maxPods: 20, clusterDNS: ['169.254.20.10'], providerID: 'metal://1', taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }], resolvConfFile: '/run/resolv.conf', enforcePods: false, kernelMemcgNotification: false,
    })
  })

  test('directories, the domain, and how much is told', () => {
    expect(read('staticPodPath: /etc/kubernetes/manifests\npodLogsDir: /var/log/pods\nclusterDomain: example.test\npodsPerCore: 10\nnodeStatusMaxImages: -1\nimagePullCredentialsVerificationPolicy: NeverVerify\n').settings.options).toEqual({
      moreStaticPods: '/etc/kubernetes/manifests', podLogsDirectory: '/var/log/pods', clusterDomain: 'example.test', podsPerCore: 10, maxStatusImages: -1, neverVerifyImages: true,
    })
  })
  test('CPUs for one container alone', () => {
    expect(read('cpuManagerPolicy: static\nreservedSystemCPUs: 0,2\n').settings.options).toEqual({ cpuManager: { reserved: { named: [0, 2] } } })
    expect(read('cpuManagerPolicy: static\nsystemReserved: {cpu: 500m}\nkubeReserved: {cpu: 700m}\ncpuManagerPolicyOptions: {}\n').settings.options).toEqual({ cpuManager: { reserved: { milli: 1200n } } })
    expect(read('cpuManagerPolicy: static\nreservedSystemCPUs: 0,2\ncpuManagerPolicyOptions: {full-pcpus-only: "true", strict-cpu-reservation: "false"}\n').settings.options).toEqual({ cpuManager: { reserved: { named: [0, 2] }, fullCores: true } })
    expect(read('cpuManagerPolicy: none\n').settings.options).toEqual({})
  })
  test('what says how it is anyway, or nothing, may stand there', () => {
    expect(read('cgroupDriver: cgroupfs\nmemoryManagerPolicy: None\ntopologyManagerPolicy: none\nmemorySwap: {}\nlogging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}}, verbosity: 0}\n'.replace('"0"', '""') + 'syncFrequency: 0s\nnodeStatusUpdateFrequency: 0s\nruntimeRequestTimeout: 0s\ncontainerRuntimeEndpoint: ""\nfeatureGates: {}\n').settings.options).toEqual({})
  })

  for (const [name, text, error] of [
    ['no URL', `${head}staticPodURL: pods.example\n`, 'staticPodURL must be an http or https URL'],
    ['a header that is no list', `${head}staticPodURLHeader: {A: b}\n`, 'staticPodURLHeader[A] must be a list of texts'],
    ['another rhythm for files', `${head}fileCheckFrequency: 5s\n`, 'fileCheckFrequency cannot be set: the directory is watched'],
    ['pinning without anything reserved', `${head}cpuManagerPolicy: static\n`, 'the static policy requires systemReserved.cpu + kubeReserved.cpu, or reservedSystemCPUs, to be greater than zero'],
    ['an unknown policy', `${head}cpuManagerPolicy: dynamic\n`, 'cpuManagerPolicy must be none or static'],
    ['options of no policy', `${head}cpuManagerPolicyOptions: {full-pcpus-only: "true"}\n`, "cpuManagerPolicyOptions are the static policy's: the policy none has none"],
    ['an option of a policy that is not there', `${head}cpuManagerPolicy: static\nreservedSystemCPUs: "0"\ncpuManagerPolicyOptions: {distribute-cpus-across-numa: "true"}\n`, 'cpuManagerPolicyOptions[distribute-cpus-across-numa] is no option of this kubelet: full-pcpus-only and strict-cpu-reservation are'],
    ['an option that is neither', `${head}cpuManagerPolicy: static\nreservedSystemCPUs: "0"\ncpuManagerPolicyOptions: {full-pcpus-only: "maybe"}\n`, 'cpuManagerPolicyOptions[full-pcpus-only] must be true or false'],
    ['a word of the kernel that is neither yes nor no', `${head}kernelMemcgNotification: sometimes\n`, 'kernelMemcgNotification must be true or false'],
    ['cgroups of the system', `${head}enforceNodeAllocatable: [pods, kube-reserved]\n`, 'enforceNodeAllocatable cannot have "kube-reserved" on this cluster'],
    ['too short a restart period', `${head}crashLoopBackOff: {maxContainerRestartPeriod: 500ms}\n`, 'crashLoopBackOff.maxContainerRestartPeriod must be set between 1s and 300s'],
    ['too long a restart period', `${head}crashLoopBackOff: {maxContainerRestartPeriod: 301s}\n`, 'crashLoopBackOff.maxContainerRestartPeriod must be set between 1s and 300s'],
    ['one log file', `${head}containerLogMaxFiles: 1\n`, 'containerLogMaxFiles must be greater than 1'],
    ['logs of no size', `${head}containerLogMaxSize: big\n`, 'containerLogMaxSize must be a quantity like 10Mi'],
    ['one by one and several at a time', `${head}serializeImagePulls: true\nmaxParallelImagePulls: 2\n`, 'maxParallelImagePulls cannot be larger than 1 unless serializeImagePulls is false'],
    ['thresholds the wrong way round', `${head}imageGCLowThresholdPercent: 90\n`, 'imageGCLowThresholdPercent must be less than imageGCHighThresholdPercent'],
    ['an age that is never reached', `${head}imageMaximumGCAge: 1m\n`, 'imageMaximumGCAge must be greater than imageMinimumGCAge'],
    ['no CPUs', `${head}reservedSystemCPUs: 3-1\n`, 'reservedSystemCPUs must be a list of CPUs like 0-1,4'],
    ['no taint', `${head}registerWithTaints: [{key: a, effect: Never}]\n`, 'registerWithTaints[0].effect must be NoSchedule, PreferNoSchedule or NoExecute'],
    ['a field that is not understood', `${head}dockershim: yes\n`, 'wherry kubelet: kubelet.yaml: dockershim is not understood by this kubelet'],
    ['what is another way here', `${head}cgroupDriver: systemd\n`, 'cgroupDriver can only be cgroupfs on this kubelet: it makes cgroups itself'],
    ['swap', `${head}memorySwap: {swapBehavior: LimitedSwap}\n`, 'memorySwap can only be {"swapBehavior":"NoSwap"} on this kubelet: pods get no swap'],
    ['memory that is pinned', `${head}memoryManagerPolicy: Static\n`, 'memoryManagerPolicy can only be None on this kubelet: it pins no container to memory'],
    ['what is aligned', `${head}topologyManagerPolicy: single-numa-node\n`, 'topologyManagerPolicy can only be none on this kubelet'],
    ['what cannot be set, though it is 0', `${head}oomScoreAdj: 0\n`, 'oomScoreAdj cannot be set on this kubelet: its keeper decides'],
    ['what cannot be set', `${head}featureGates: {NodeSwap: true}\n`, 'featureGates cannot be set on this kubelet: it has none'],
    ['how memory is slowed down', `${head}memoryThrottlingFactor: 0.8\n`, 'memoryThrottlingFactor cannot be set on this kubelet'],
    ['a path that is not absolute', `${head}staticPodPath: manifests\n`, 'staticPodPath must be an absolute path'],
    ['a path with steps back', `${head}podLogsDir: /var/log/../pods\n`, 'podLogsDir must be an absolute path'],
    ['no domain', `${head}clusterDomain: Cluster_local\n`, 'clusterDomain a lowercase RFC 1123 subdomain'],
    ['no workers', `${head}containerLogMaxWorkers: 0\n`, 'containerLogMaxWorkers must be greater than or equal to 1'],
    ['fewer than no pods', `${head}podsPerCore: -1\n`, 'podsPerCore must not be negative'],
    ['a verification that we do not do', `${head}imagePullCredentialsVerificationPolicy: AlwaysVerify\n`, 'imagePullCredentialsVerificationPolicy can only be NeverVerifyPreloadedImages or NeverVerify'],
    ['another kind', 'kind: Pod\n', 'kubelet.yaml: the file must have apiVersion kubelet.config.k8s.io/v1beta1'],
    ['no YAML', '{', 'kubelet.yaml: the file is no YAML'],
    ['a list', '[]', 'kubelet.yaml: the file must hold a KubeletConfiguration'],
    ['an unknown signal', `${head}evictionHard: {containerfs.available: 1Mi}\n`, 'evictionHard[containerfs.available] is no signal of this kubelet'],
    ['a wrong amount', `${head}evictionHard: {memory.available: lots}\n`, 'evictionHard[memory.available] must be a quantity like 100Mi'],
    ['a soft threshold without grace', `${head}evictionSoft: {memory.available: 1Gi}\n`, 'evictionSoft[memory.available] needs an evictionSoftGracePeriod'],
    ['grace without a threshold', `${head}evictionSoftGracePeriod: {memory.available: 1m}\n`, 'evictionSoftGracePeriod[memory.available] has no evictionSoft of that name'],
    ['a critical part beyond the whole', `${head}shutdownGracePeriod: 10s\nshutdownGracePeriodCriticalPods: 20s\n`, 'shutdownGracePeriodCriticalPods must not be longer than shutdownGracePeriod'],
    ['both kinds of grace', `${head}shutdownGracePeriod: 10s\nshutdownGracePeriodByPodPriority: []\n`, 'shutdownGracePeriodByPodPriority cannot be set together'],
    ['no duration', `${head}shutdownGracePeriod: 10\n`, 'shutdownGracePeriod must be a duration like 30s'],
    ['what cannot be reserved', `${head}kubeReserved: {pid: "100"}\n`, 'kubeReserved[pid] cannot be reserved on this cluster'],
    ['a default that is none', `${head}seccompDefault: RuntimeDefault\n`, 'seccompDefault must be true or false'],
    ['a sysctl of the whole machine', `${head}allowedUnsafeSysctls: [vm.swappiness]\n`, 'allowedUnsafeSysctls[0] cannot be: the sysctls "vm.swappiness" are not known to be namespaced'],
    ['no list of sysctls', `${head}allowedUnsafeSysctls: net.*\n`, 'allowedUnsafeSysctls must be a list of texts'],
    ['no process at all', `${head}podPidsLimit: 0\n`, 'podPidsLimit must be positive, or -1 for no limit'],
    ['a prototype', `${head}evictionHard: {__proto__: 1Mi}\n`, 'evictionHard[__proto__] is no signal'],
  ] as const) test(`${name} is refused by name`, () => { expect(() => parseKubeletConfiguration(text, 'kubelet.yaml')).toThrow(error) })
})
