import { describe, expect, test } from 'vitest'
import { defaultThresholds } from '../../agents/kubelet/eviction/threshold.ts'
import { parseKubeletConfiguration } from '../../src/cluster/components/kubelet-configuration.ts'

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n'
const read = (text: string) => parseKubeletConfiguration(head + text, 'kubelet.yaml')

describe('a kubelet configuration', () => {
  test('that says nothing leaves the defaults', () => { expect(read('')).toEqual({ eviction: { thresholds: defaultThresholds }, graces: [], reserved: {}, security: {} }) })
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

  for (const [name, text, error] of [
    ['a field that is not understood', `${head}cgroupDriver: systemd\n`, 'wherry kubelet: kubelet.yaml: cgroupDriver is not understood by this kubelet'],
    ['another kind', 'kind: Pod\n', 'kubelet.yaml: the file must have apiVersion kubelet.config.k8s.io/v1beta1'],
    ['no YAML', '{', 'kubelet.yaml: the file is no YAML'],
    ['a list', '[]', 'kubelet.yaml: the file must hold a KubeletConfiguration'],
    ['an unknown signal', `${head}evictionHard: {allocatableMemory.available: 1Mi}\n`, 'evictionHard[allocatableMemory.available] is no signal of this kubelet'],
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
