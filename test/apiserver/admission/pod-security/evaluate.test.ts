/** The matrix of the Pod Security Standards, in the words of upstream's `pod-security-admission/policy/check_*.go`: each case differs from a pod that all levels allow in the named way only. */
import { describe, expect, test } from 'vitest'
import { detailsText, evaluate, reasonsText } from '../../../../src/apiserver/admission/pod-security/evaluate.ts'
import { policyText } from '../../../../src/apiserver/admission/pod-security/policy.ts'
import type { Container, PodSpec } from '../../../../src/api/types.ts'

const confined = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'a', securityContext: confined, ...more })
const withContext = (name: string, context: NonNullable<Container['securityContext']>): Container => container(name, { securityContext: { ...confined, ...context } })
const pod = (more: Partial<PodSpec> = {}): PodSpec => ({ containers: [container('a')], ...more, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, ...more.securityContext } })
const of = (...containers: Container[]): Partial<PodSpec> => ({ containers })

const said = (spec: PodSpec, level: 'privileged' | 'baseline' | 'restricted', { minor = Infinity, annotations = {} }: { minor?: number; annotations?: Record<string, string> } = {}): string =>
  detailsText(evaluate({ spec, annotations }, { level, minor }))

const volume = (name: string, type: object): object => ({ name, ...type })
const volumes = (...all: object[]): Partial<PodSpec> => ({ volumes: all as NonNullable<PodSpec['volumes']> })
const probe = (host: string): NonNullable<Container['livenessProbe']> => ({ httpGet: { host, port: 80 } })

describe('forbidden by baseline, and by restricted', () => {
  for (const [name, spec, message] of [
    ['host namespaces', { hostNetwork: true, hostPID: true, hostIPC: true }, 'host namespaces (hostIPC=true, hostNetwork=true, hostPID=true)'],
    ['one of them', { hostPID: true }, 'host namespaces (hostPID=true)'],
    ['privileged', of(withContext('a', { privileged: true })), 'privileged (container "a" must not set securityContext.privileged=true)'],
    ['several, of all sorts', { initContainers: [withContext('i', { privileged: true })], containers: [container('a'), withContext('b', { privileged: true })], ephemeralContainers: [withContext('e', { privileged: true })] },
      'privileged (containers "i", "b", "e" must not set securityContext.privileged=true)'],
    ['a host port', of(container('a', { ports: [{ containerPort: 80, hostPort: 80 }, { containerPort: 81 }] })), 'hostPort (container "a" uses hostPort 80)'],
    ['host ports', of(container('a', { ports: [{ containerPort: 80, hostPort: 8080 }] }), container('b', { ports: [{ containerPort: 90, hostPort: 9090 }] })), 'hostPort (containers "a", "b" use hostPorts 8080, 9090)'],
    ['the host of a probe', of(container('a', { livenessProbe: probe('127.0.0.1') })), 'probe or lifecycle host (container "a" uses probe or lifecycle host "127.0.0.1")'],
    ['hosts of probes and hooks', of(container('a', { readinessProbe: { tcpSocket: { host: '::1', port: 1 } }, startupProbe: probe('b') }), container('c', { lifecycle: { preStop: { httpGet: { host: 'x', port: 1 } } } })),
      'probe or lifecycle host (containers "a", "c" use probe or lifecycle hosts "::1", "b", "x")'],
    ['an AppArmor profile', { securityContext: { appArmorProfile: { type: 'Unconfined' } } }, 'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")'],
    ['SELinux types', { securityContext: { seLinuxOptions: { type: 'foo' } }, ...of(withContext('b', { seLinuxOptions: { type: 'bar', user: 'u', role: 'r' } })) },
      'seLinuxOptions (pod and container "b" set forbidden securityContext.seLinuxOptions: types "bar", "foo"; user may not be set; role may not be set)'],
    ['an SELinux user', { securityContext: { seLinuxOptions: { user: 'u' } } }, 'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: user may not be set)'],
    ['procMount', of(withContext('a', { procMount: 'Unmasked' })), 'procMount (container "a" must not set securityContext.procMount to "Unmasked")'],
    ['seccomp switched off', { securityContext: { seccompProfile: { type: 'Unconfined' } }, ...of(withContext('a', { seccompProfile: { type: 'Unconfined' } })) },
      'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")'],
    ['sysctls', { securityContext: { sysctls: [{ name: 'a', value: '1' }, { name: 'kernel.shm_rmid_forced', value: '1' }, { name: 'b', value: '1' }] } }, 'forbidden sysctls (a, b)'],
    ['HostProcess', { securityContext: { windowsOptions: { hostProcess: true } }, ...of(withContext('a', { windowsOptions: { hostProcess: true } })) }, 'hostProcess (pod and container "a" must not set securityContext.windowsOptions.hostProcess=true)'],
  ] satisfies [string, Partial<PodSpec>, string][]) test(name, () => {
    expect([said(pod(spec), 'privileged'), said(pod(spec), 'baseline'), said(pod(spec), 'restricted')]).toEqual(['', message, message])
  })
})

describe('said in other words by each', () => {
  for (const [name, spec, baseline, restricted] of [
    ['capabilities', of(withContext('a', { capabilities: { drop: ['ALL'], add: ['NET_RAW', 'CHOWN'] } })), 'non-default capabilities (container "a" must not include "NET_RAW" in securityContext.capabilities.add)',
      'unrestricted capabilities (container "a" must not include "CHOWN", "NET_RAW" in securityContext.capabilities.add)'],
    ['a hostPath', volumes(volume('h', { hostPath: { path: '/' } })), 'hostPath volumes (volume "h")', 'restricted volume types (volume "h" uses restricted volume type "hostPath")'],
  ] satisfies [string, Partial<PodSpec>, string, string][]) test(name, () => {
    expect([said(pod(spec), 'baseline'), said(pod(spec), 'restricted')]).toEqual([baseline, restricted])
  })
})

describe('forbidden by restricted only', () => {
  const bare = (...names: string[]): Partial<PodSpec> => of(...names.map((name) => container(name, { securityContext: {} })))
  for (const [name, spec, message] of [
    ['no word about escalation and capabilities', bare('a'), 'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])'],
    ['in several', bare('a', 'b'), 'allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"])'],
    ['capabilities kept and added', of(withContext('a', { capabilities: { add: ['CHOWN'] } }), container('b')),
      'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CHOWN" in securityContext.capabilities.add)'],
    ['volumes', volumes(volume('n', { nfs: {} }), volume('i', { iscsi: {} }), volume('u', {})), 'restricted volume types (volumes "n", "i", "u" use restricted volume types "iscsi", "nfs", "unknown")'],
    ['root allowed by the pod', { securityContext: { runAsNonRoot: false } }, 'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)'],
    ['root allowed by a container', of(withContext('a', { runAsNonRoot: false })), 'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)'],
    ['user 0', { securityContext: { runAsUser: 0 }, ...of(withContext('a', { runAsUser: 0 }), withContext('b', { runAsUser: 1 })) }, 'runAsUser=0 (pod and container "a" must not set runAsUser=0)'],
  ] satisfies [string, Partial<PodSpec>, string][]) test(name, () => {
    expect([said(pod(spec), 'baseline'), said(pod(spec), 'restricted')]).toEqual(['', message])
  })
  test('a pod that says nothing', () => {
    const plain: PodSpec = { containers: [{ name: 'a', image: 'a' }] }
    expect(said(plain, 'baseline')).toBe('')
    expect(said(plain, 'restricted')).toBe('allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), '
      + 'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")')
    expect(reasonsText(evaluate({ spec: plain }, { level: 'restricted', minor: Infinity }))).toBe('allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile')
  })
  test('containers that leave it to a pod that is silent', () => {
    const spec: PodSpec = { containers: [withContext('a', { runAsNonRoot: true, seccompProfile: { type: 'Localhost', localhostProfile: 'x' } }), container('b'), container('c')] }
    expect(said(spec, 'restricted')).toBe('runAsNonRoot != true (pod or containers "b", "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or containers "b", "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")')
  })
})

describe('allowed by all', () => {
  for (const [name, spec] of [
    ['as it should be', {}],
    ['said by the containers', { securityContext: {}, containers: [withContext('a', { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })] }],
    ['NET_BIND_SERVICE', of(withContext('a', { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }))],
    ['safe sysctls', { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }, { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] } }],
    ['volumes', volumes(...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'].map((type) => volume(type, { [type]: {} })))],
    ['SELinux types', { securityContext: { seLinuxOptions: { type: 'container_engine_t', level: 's0' } } }],
    ['AppArmor profiles', { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } } }],
    ['root with users of its own', { hostUsers: false, securityContext: { runAsNonRoot: false, runAsUser: 0 } }],
    ['Windows, which has no such things', { os: { name: 'windows' }, securityContext: { runAsNonRoot: true }, containers: [container('a', { securityContext: {} })] }],
  ] satisfies [string, Partial<PodSpec>][]) test(name, () => expect([said(pod(spec), 'baseline'), said(pod(spec), 'restricted')]).toEqual(['', '']))
})

describe('policy versions', () => {
  const at = (spec: Partial<PodSpec>, level: 'baseline' | 'restricted', annotations?: Record<string, string>) => (minor: number): string => reasonsText(evaluate({ spec: pod(spec), annotations }, { level, minor }))
  for (const [name, reasonAt, before, since, reasons] of [
    ['hosts of probes', at(of(container('a', { livenessProbe: probe('x') })), 'baseline'), 33, 34, ['', 'probe or lifecycle host']],
    ['reserved ports', at({ securityContext: { sysctls: [{ name: 'net.ipv4.ip_local_reserved_ports', value: '1' }] } }, 'baseline'), 26, 27, ['forbidden sysctls', '']],
    ['keepalive', at({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_keepalive_time', value: '1' }] } }, 'baseline'), 28, 29, ['forbidden sysctls', '']],
    ['buffers', at({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_wmem', value: '1' }] } }, 'baseline'), 31, 32, ['forbidden sysctls', '']],
    ['container_engine_t', at({ securityContext: { seLinuxOptions: { type: 'container_engine_t' } } }, 'baseline'), 30, 31, ['seLinuxOptions', '']],
    ['seccomp annotations', at({}, 'baseline', { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }), 18, 19, ['seccompProfile', '']],
    ['dropped capabilities', at(of(withContext('a', { capabilities: { add: ['NET_RAW'] } })), 'restricted'), 21, 22, ['non-default capabilities', 'unrestricted capabilities']],
    ['user 0', at({ securityContext: { runAsUser: 0 } }, 'restricted'), 22, 23, ['', 'runAsUser=0']],
    ['users of their own', at({ hostUsers: false, securityContext: { runAsUser: 0, runAsNonRoot: false } }, 'restricted'), 34, 35, ['runAsNonRoot != true, runAsUser=0', '']],
    ['/proc with users of their own', at({ hostUsers: false, ...of(withContext('a', { procMount: 'Unmasked' })) }, 'baseline'), 34, 35, ['procMount', '']],
    ['which restricted forbids all the same', at({ hostUsers: false, ...of(withContext('a', { procMount: 'Unmasked' })) }, 'restricted'), 34, 35, ['procMount', 'procMount']],
    ['escalation', at(of(withContext('a', { allowPrivilegeEscalation: true })), 'restricted'), 7, 8, ['', 'allowPrivilegeEscalation != false']],
  ] as const) test(name, () => expect([reasonAt(before), reasonAt(since)]).toEqual(reasons))
  test('a version of the future is the latest', () => expect(at({ hostPID: true }, 'baseline')(999)).toBe('host namespaces'))
  test('their names', () => expect([policyText({ level: 'baseline', minor: 24 }), policyText({ level: 'restricted', minor: Infinity })]).toEqual(['baseline:v1.24', 'restricted:latest']))
})

test('AppArmor annotations', () => {
  const key = 'container.apparmor.security.beta.kubernetes.io/a'
  expect(said(pod(), 'baseline', { annotations: { [key]: 'runtime/default' } })).toBe('')
  expect(said(pod(), 'baseline', { annotations: { [key]: 'unconfined' } })).toBe(`forbidden AppArmor profile (annotation must not set AppArmor profile type to "${key}="unconfined"")`)
})
