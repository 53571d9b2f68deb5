/** What this kubelet refuses, and with which words: the rows of src/api/pod-field-support.ts as pods. That there is a pod for each row is seen to at the end. */
import { describe, expect, test } from 'vitest'
import { admit } from '../../agents/kubelet/admission.ts'
import { unsupportedFields, unsupportedInContainer, unsupportedSetUp } from '../../agents/kubelet/unsupported.ts'
import { refusals } from '../../src/api/pod-field-support.ts'
import { refusedFields } from '../../src/api/refused-fields.ts'
import type { Container, PodSpec, Volume } from '../../src/api/types.ts'
import { aContainer, aPod } from './builders.ts'

const runtimeDefault = { type: 'RuntimeDefault' } as const
const sctp = { ports: [{ containerPort: 80, protocol: 'TCP' }, { containerPort: 81, hostPort: 81, protocol: 'SCTP' }] }
const withContainer = (more: Partial<Container>): Partial<PodSpec> => ({ containers: [aContainer('web', more)] })
const withVolume = (source: Partial<Volume>): Partial<PodSpec> => ({ volumes: [{ name: 'data', ...source }] })
const pages = { 'hugepages-2Mi': '4Mi' }
const not = (...what: string[]): string => `this kubelet does not support ${what.join(', ')}`

/** By the rows that they are of. */
const rejected: [string, Partial<PodSpec>, { reason: string; message: string }][] = [
  ['PodOS.name', { os: { name: 'windows' } }, { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }],
  ['PodSecurityContext.windowsOptions', { securityContext: { windowsOptions: {} } }, { reason: 'PodOSNotSupported', message: not('spec.securityContext.windowsOptions (they run Linux)') }],
  ['SecurityContext.windowsOptions', withContainer({ securityContext: { windowsOptions: {} } }), { reason: 'PodOSNotSupported', message: not('spec.containers[0].securityContext.windowsOptions (they run Linux)') }],
  ['PodSecurityContext.appArmorProfile', { securityContext: { appArmorProfile: runtimeDefault } }, { reason: 'AppArmor', message: 'Cannot enforce AppArmor: this kubelet applies no AppArmor profiles' }],
  ['SecurityContext.appArmorProfile', withContainer({ securityContext: { appArmorProfile: runtimeDefault } }), { reason: 'AppArmor', message: 'Cannot enforce AppArmor: this kubelet applies no AppArmor profiles' }],
  ['ContainerPort.hostPort', withContainer(sctp), { reason: 'UnsupportedPodFeature', message: not('spec.containers[0].ports[1].hostPort (host ports are TCP or UDP)') }],
  ...(['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const).map((field): (typeof rejected)[number] =>
    [`PodSpec.${field}`, { hostUsers: false, [field]: true }, { reason: 'UnsupportedPodFeature', message: not(`spec.${field} (${field} with hostUsers: false)`) }]),
  ['VolumeMount.mountPropagation', { hostUsers: false, ...withContainer({ volumeMounts: [{ name: 'v', mountPath: '/v', mountPropagation: 'Bidirectional' }] }) },
    { reason: 'UnsupportedPodFeature', message: not('spec.containers[0].volumeMounts[0].mountPropagation (mountPropagation Bidirectional with hostUsers: false)') }],
  ['PodSpec.schedulingGroup', { schedulingGroup: { podGroupName: 'g' } }, { reason: 'UnsupportedPodFeature', message: not("spec.schedulingGroup (upstream's gate GenericWorkload is off)") }],
  ['VolumeProjection.clusterTrustBundle', withVolume({ projected: { sources: [{ clusterTrustBundle: { path: 'p' } }] } }),
    { reason: 'UnsupportedPodFeature', message: not("spec.volumes[0].projected.sources[0].clusterTrustBundle (upstream's gate ClusterTrustBundleProjection is off)") }],
  ['VolumeProjection.podCertificate', withVolume({ projected: { sources: [{ podCertificate: { keyType: 'ED25519', signerName: 's' } }] } }),
    { reason: 'UnsupportedPodFeature', message: not("spec.volumes[0].projected.sources[0].podCertificate (upstream's gate PodCertificateRequest is off)") }],
]
const failed = (words: string): { reason: string; message: string } => ({ reason: 'FailedMount', message: `MountVolume.SetUp failed for volume "data" : ${words}` })
const plugins = Object.keys(refusals).filter((row) => row.startsWith('Volume.')).map((row) => row.slice('Volume.'.length))
const waiting: [string, Partial<PodSpec>, { reason: string; message: string }][] = [
  ...plugins.filter((type) => type !== 'gitRepo').map((type): (typeof waiting)[number] => [`Volume.${type}`, withVolume({ [type]: {} }), failed(`no volume plugin matched: ${type}`)]),
  ['Volume.gitRepo', withVolume({ gitRepo: { repository: 'r' } }), failed('git-repo volume plugin has been disabled')],
  ['EmptyDirVolumeSource.medium', withVolume({ emptyDir: { medium: 'Tape' } }), failed('unknown storage medium "Tape"')],
  ['PodSpec.resourceClaims', { resourceClaims: [{ name: 'gpu' }] }, { reason: 'FailedPrepareDynamicResources', message: 'Failed to prepare dynamic resources: spec.resourceClaims is not supported by this kubelet: no drivers of dynamic resources' }],
  ['ResourceRequirements.claims', withContainer({ resources: { claims: [{ name: 'gpu' }] } }), { reason: 'FailedPrepareDynamicResources', message: 'Failed to prepare dynamic resources: spec.containers[0].resources.claims is not supported by this kubelet: no drivers of dynamic resources' }],
]

describe('a pod is rejected for', () => {
  for (const [row, spec, rejection] of rejected) test(row, () => expect(unsupportedFields(aPod(spec))).toEqual(rejection))
})

describe('a pod waits, with an event, for', () => {
  for (const [row, spec, event] of waiting) test(row, () => { expect(unsupportedFields(aPod(spec))).toBeUndefined(); expect(unsupportedSetUp(aPod(spec))).toEqual(event) })
})

describe('no room for', () => {
  for (const list of ['limits', 'requests'] as const) test(`ResourceRequirements.${list}`, () => {
    const pod = aPod(withContainer({ resources: { limits: list === 'limits' ? pages : {}, requests: pages } }))
    expect(admit({ pod, node: { metadata: { name: 'node-1' }, spec: {} } as never, allocatable: { pods: '10' }, others: [] })?.reason).toBe('OutOfhugepages-2Mi')
    expect(admit({ pod, node: { metadata: { name: 'node-1' }, spec: {} } as never, allocatable: { pods: '10', 'hugepages-2Mi': '4Mi' }, others: [] })).toBeUndefined()
  })
})

test('what comes when the pod runs is refused by its container', () => {
  const debug = aContainer('debug', { resources: { claims: [{ name: 'gpu' }] } })
  const pod = aPod({ ephemeralContainers: [debug] })
  expect([unsupportedFields(pod), unsupportedSetUp(pod)]).toEqual([undefined, undefined])
  expect(unsupportedInContainer(pod, debug)).toBe(not('resources.claims (no drivers of dynamic resources)'))
  expect(unsupportedInContainer(aPod({ hostNetwork: true }), aContainer('web', sctp))).toBeUndefined()
})

test('each row that the kubelet refuses has its pod here', () => {
  const rows = Object.entries(refusals).filter(([row, { verdict }]) => (verdict === 'rejected' || verdict === 'waits' || verdict === 'api') && !row.startsWith('EphemeralContainer.')).map(([row]) => row)
  expect([...rejected, ...waiting].map(([row]) => row).sort()).toEqual(rows.sort())
})

describe('nothing is refused of', () => {
  for (const [name, spec] of [
    ['nothing special', {}],
    ['users of its own', { hostUsers: false, ...withContainer({ securityContext: { procMount: 'Unmasked' } }) }],
    ["SCTP in the host's network", { hostNetwork: true, ...withContainer(sctp) }],
    ['Linux', { os: { name: 'linux' } }],
    ['a limit of a volume on a disk', { volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }] }],
    ['a limit of local storage', withContainer({ resources: { limits: { 'ephemeral-storage': '1Gi' } } })],
    ['a limit of a volume in memory', { volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } }] }],
    ['restarts for a resize', withContainer({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] })],
    ['seccomp profiles', { securityContext: { seccompProfile: runtimeDefault }, ...withContainer({ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'p.json' } } }) }],
    ["the pod's AppArmor where its containers are unconfined", { securityContext: { appArmorProfile: runtimeDefault }, ...withContainer({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }) }],
    ['no profiles', { securityContext: { seccompProfile: { type: 'Unconfined' }, appArmorProfile: { type: 'Unconfined' } } }],
    ['nfs', { volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] }],
  ] satisfies [string, Partial<PodSpec>][]) test(name, () => expect([unsupportedFields(aPod(spec)), unsupportedSetUp(aPod(spec)), refusedFields(aPod(spec).spec)]).toEqual([undefined, undefined, []]))
})
