import { describe, expect, test } from 'vitest'
import { unsupportedFields } from '../../agents/kubelet/unsupported.ts'
import type { PodSpec } from '../../src/api/types.ts'
import { aContainer, aPod } from './builders.ts'

const runtimeDefault = { type: 'RuntimeDefault' } as const
const sctp = { ports: [{ containerPort: 80, protocol: 'TCP' }, { containerPort: 81, hostPort: 81, protocol: 'SCTP' }] }

describe('a static pod is not admitted with', () => {
  for (const [name, spec, paths] of [
    ['a host port of SCTP', { containers: [aContainer('web', sctp)] }, ['spec.containers[0].ports[1].hostPort']],
    ['a host port of SCTP of an init container', { initContainers: [aContainer('side', sctp)] }, ['spec.initContainers[0].ports[1].hostPort']],
    ['namespaces of the machine, but users of its own', { hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true, shareProcessNamespace: true }, ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'].map((field) => `spec.${field} with spec.hostUsers`)],
    ['mounts to pass on, but users of its own', { hostUsers: false, containers: [aContainer('web', { volumeMounts: [{ name: 'v', mountPath: '/v', mountPropagation: 'Bidirectional' }] })] }, ['volumeMounts[].mountPropagation with spec.hostUsers']],
  ] satisfies [string, Partial<PodSpec>, string[]][]) test(name, () => expect(unsupportedFields(aPod(spec))).toEqual(paths))
})

describe('a static pod is admitted with', () => {
  for (const [name, spec] of [
    ['nothing special', {}],
    ['users of its own', { hostUsers: false, containers: [aContainer('web', { securityContext: { procMount: 'Unmasked' } })] }],
    ["SCTP in the host's network", { hostNetwork: true, containers: [aContainer('web', sctp)] }],
    ['a limit of a volume on a disk', { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }] }],
    ['a limit of local storage', { containers: [aContainer('web', { resources: { limits: { 'ephemeral-storage': '1Gi' } } })] }],
    ['a limit of a volume in memory', { volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } }] }],
    ['restarts for a resize', { containers: [aContainer('web', { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] })] }],
    ['seccomp profiles', { securityContext: { seccompProfile: runtimeDefault }, containers: [aContainer('web', { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'p.json' } } })] }],
    ['no profiles', { securityContext: { seccompProfile: { type: 'Unconfined' }, appArmorProfile: { type: 'Unconfined' } } }],
  ] satisfies [string, Partial<PodSpec>][]) test(name, () => expect(unsupportedFields(aPod(spec))).toEqual([]))
})
