import { describe, expect, test } from 'vitest'
import { Pods } from '../../../../src/api/kinds.ts'
import type { EphemeralContainer, Pod } from '../../../../src/api/types.ts'
import { podWarnings } from '../../../../src/apiserver/registry/core/pod-warnings.ts'
import { created, sent, updated } from '../support.ts'

const withSpec = (spec: object): string[] => created(Pods, sent<Pod>({ spec: { containers: [{ name: 'c', image: 'a' }], ...spec } })).errors
const withContainer = (container: object, spec: object = {}): string[] => withSpec({ containers: [{ name: 'c', image: 'a', ...container }], ...spec })
const label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

describe('what is right passes', () => {
  for (const [name, spec] of [
    ['a bare pod', {}],
    ['everything a kubelet offers', {
      volumes: [{ name: 'e', emptyDir: { medium: 'Memory' } }, { name: 'h', hostPath: { path: '/x', type: 'Directory' } }, { name: 'c', configMap: { name: 'cm', items: [{ key: 'k', path: 'a/b' }] } }, { name: 'd', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: "metadata.labels['app']" } }] } }],
      initContainers: [{ name: 'side', image: 'a', restartPolicy: 'Always', readinessProbe: { tcpSocket: { port: 'http' } } }],
      affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { a: 'b' } } } }] } },
      tolerations: [{ operator: 'Exists' }], topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }],
      dnsConfig: { nameservers: ['10.0.0.1'], searches: ['a_b.example.', '.'], options: [{ name: 'ndots', value: '2' }] }, hostAliases: [{ ip: '127.0.0.1', hostnames: ['a.example'] }],
      securityContext: { runAsUser: 0, fsGroup: 5, sysctls: [{ name: 'net.ipv4.ip_forward', value: '1' }], seccompProfile: { type: 'Unconfined' }, seLinuxOptions: { level: 's0' } },
    }],
  ] as const) test(name, () => expect(withSpec(spec)).toEqual([]))
})

describe('containers', () => {
  for (const [name, errors, expected] of [
    ['no containers', withSpec({ containers: [] }), ['spec.containers: Required value']],
    ['no image', withSpec({ containers: [{ name: 'c' }] }), ['spec.containers[0].image: Required value']],
    ['no name', withSpec({ containers: [{ image: 'a' }] }), ['spec.containers[0].name: Required value']],
    ['a name that is no label', withContainer({ name: 'UP' }), [`spec.containers[0].name: Invalid value: "UP": ${label}`]],
    ['twice the same name', withSpec({ containers: [{ name: 'c', image: 'a' }, { name: 'c', image: 'a' }] }), ['spec.containers[1].name: Duplicate value: "c"']],
    ['space around the image', withContainer({ image: ' a ' }), ['spec.containers[0].image: Invalid value: " a ": must not have leading or trailing whitespace']],
    ['pull policy', withContainer({ imagePullPolicy: 'Sometimes' }), ['spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"']],
    ['restart policy', withSpec({ restartPolicy: 'Perhaps' }), ['spec.restartPolicy: Unsupported value: "Perhaps": supported values: "Always", "OnFailure", "Never"']],
    ['port without number', withContainer({ ports: [{ name: 'http' }] }), ['spec.containers[0].ports[0].containerPort: Required value']],
    ['port too big', withContainer({ ports: [{ containerPort: 65536 }] }), ['spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive']],
    ['host port twice', withContainer({ ports: [{ containerPort: 80, hostPort: 80 }, { containerPort: 81, hostPort: 80 }] }), ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"']],
    ['host port in the host\'s network', withContainer({ ports: [{ containerPort: 80, hostPort: 81 }] }, { hostNetwork: true }), ['spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true']],
    // validateStopSignal (KEP-4960)
    ['a stop signal for an unknown system', withContainer({ lifecycle: { stopSignal: 'SIGUSR1' } }), ['spec.containers[0].lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`']],
    ['a stop signal for Linux', withContainer({ lifecycle: { stopSignal: 'SIGUSR1' } }, { os: { name: 'linux' } }), []],
    ['a stop signal in real time', withContainer({ lifecycle: { stopSignal: 'SIGRTMIN+3' } }, { os: { name: 'linux' } }), []],
    ['a stop signal for Windows', withContainer({ lifecycle: { stopSignal: 'SIGUSR1' } }, { os: { name: 'windows' } }), ['spec.containers[0].lifecycle.stopSignal: Unsupported value: "SIGUSR1": supported values: "SIGKILL", "SIGTERM"']],
    ['a stop signal that is none', withContainer({ lifecycle: { stopSignal: 'TERM' } }, { os: { name: 'linux' } }).map((error) => error.replace(/: supported.*/, '')), ['spec.containers[0].lifecycle.stopSignal: Unsupported value: "TERM"']],
    ['probe without handler', withContainer({ livenessProbe: {} }), ['spec.containers[0].livenessProbe: Required value: must specify a handler type']],
    ['probe with two', withContainer({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }), ['spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type']],
    ['liveness success threshold', withContainer({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }), ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1']],
    ['negative delay', withContainer({ readinessProbe: { tcpSocket: { port: 1 }, initialDelaySeconds: -1 } }), ['spec.containers[0].readinessProbe.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0']],
    ['sleep beyond grace', withContainer({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }), ['spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)']],
    ['probe of an init container', withSpec({ initContainers: [{ name: 'i', image: 'a', livenessProbe: { tcpSocket: { port: 1 } } }] }), ['spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always']],
    ['init container of a container\'s name', withSpec({ initContainers: [{ name: 'c', image: 'a' }] }), ['spec.initContainers[0].name: Duplicate value: "c"']],
    ['ephemeral container', withSpec({ ephemeralContainers: [{ name: 'e', image: 'a' }] }), ['spec.ephemeralContainers: Forbidden: cannot be set on create']],
    ['privileged without escalation', withContainer({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }), ['spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true']],
    ['request above limit', withContainer({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }), ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']],
    ['unknown resource', withContainer({ resources: { limits: { gpu: '1' } } }), ['spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified', 'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
      'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified', 'spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers']],
    ['half an extended resource', withContainer({ resources: { requests: { 'example.com/x': '500m' } } }), ['spec.containers[0].resources.requests[example.com/x]: Invalid value: "500m": must be an integer', 'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources']],
    ['negative memory', withContainer({ resources: { requests: { memory: '-1Gi' } } }), ['spec.containers[0].resources.requests[memory]: Invalid value: "-1Gi": must be greater than or equal to 0']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

const fileKey = (more: object): object => ({ name: 'E', valueFrom: { fileKeyRef: { key: 'k', path: 'p', volumeName: 'v', ...more } } })

describe('env', () => {
  const env = (variable: object): string[] => withContainer({ env: [variable] })
  for (const [name, errors, expected] of [
    ['no name', env({}), ['spec.containers[0].env[0].name: Required value']],
    ['an equals sign', env({ name: 'a=b' }), ['spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'']],
    ['no source', env({ name: 'A', valueFrom: {} }), ['spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`']],
    ['a file', withContainer({ env: [fileKey({})] }, { volumes: [{ name: 'v', emptyDir: {} }] }), []],
    ['a file of no volume', env(fileKey({})), ['spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"']],
    ['a file of another volume', withContainer({ env: [fileKey({})] }, { volumes: [{ name: 'v', hostPath: { path: '/' } }] }), ['spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": referenced volume must be of type emptyDir']],
    ['a file outside', withContainer({ env: [fileKey({ path: '../x', key: '' })] }, { volumes: [{ name: 'v', emptyDir: {} }] }), ['spec.containers[0].env[0].valueFrom.fileKeyRef.key: Required value', 'spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: "../x": must not contain \'..\'']],
    ['value and source', env({ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }), ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty']],
    ['a field that env lacks', env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }), ['spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"']],
    ['no such field', env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.whoops' } } }), ['spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "metadata.whoops": error converting fieldPath: field label not supported: metadata.whoops']],
    ['no key', env({ name: 'A', valueFrom: { secretKeyRef: { name: 's' } } }), ['spec.containers[0].env[0].valueFrom.secretKeyRef.key: Required value']],
    ['divisor', env({ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2m' } } }), ['spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource']],
    ['envFrom of nothing', withContainer({ envFrom: [{}] }), ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

describe('volumes and mounts', () => {
  const volume = (source: object): string[] => withSpec({ volumes: [{ name: 'v', ...source }] })
  for (const [name, errors, expected] of [
    ['mount of no volume', withContainer({ volumeMounts: [{ name: 'v', mountPath: '/x' }] }), ['spec.containers[0].volumeMounts[0].name: Not found: "v"']],
    ['twice at one path', withContainer({ volumeMounts: [{ name: 'v', mountPath: '/x' }, { name: 'v', mountPath: '/x' }] }, { volumes: [{ name: 'v' }] }), ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique']],
    ['subPath upwards', withContainer({ volumeMounts: [{ name: 'v', mountPath: '/x', subPath: 'a/../b' }] }, { volumes: [{ name: 'v' }] }), ["spec.containers[0].volumeMounts.subPath: Invalid value: \"a/../b\": must not contain '..'"]],
    ['two types', volume({ emptyDir: {}, hostPath: { path: '/x' } }), ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type']],
    ['twice the same name', withSpec({ volumes: [{ name: 'v' }, { name: 'v' }] }), ['spec.volumes[1].name: Duplicate value: "v"']],
    ['hostPath without path', volume({ hostPath: { path: '' } }), ['spec.volumes[0].hostPath.path: Required value']],
    ['hostPath type', volume({ hostPath: { path: '/x', type: 'Dir' } }), ['spec.volumes[0].hostPath.type: Unsupported value: "Dir": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"']],
    ['secret mode', volume({ secret: { secretName: 's', defaultMode: 512 } }), ['spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive']],
    ['key to an absolute path', volume({ configMap: { name: 'c', items: [{ key: 'k', path: '/k' }] } }), ['spec.volumes[0].configMap.items[0].path: Invalid value: "/k": must be a relative path']],
    ['token too short', volume({ projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 60 } }] } }), ['spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
      'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set']],
    ['projected twice at one path', volume({ projected: { sources: [{ configMap: { name: 'a', items: [{ key: 'k', path: 'p' }] } }, { secret: { name: 'b', items: [{ key: 'k', path: 'p' }] } }] } }), ['spec.volumes[0].projected: Invalid value: "b": conflicting duplicate paths']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

describe('scheduling', () => {
  const affinity = (kind: string, terms: object): string[] => withSpec({ affinity: { [kind]: terms } })
  const required = 'requiredDuringSchedulingIgnoredDuringExecution'
  for (const [name, errors, expected] of [
    ['no terms', affinity('nodeAffinity', { [required]: { nodeSelectorTerms: [] } }), [`spec.affinity.nodeAffinity.${required}.nodeSelectorTerms: Required value: must have at least one node selector term`]],
    ['operator', affinity('nodeAffinity', { [required]: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Like' }] }] } }), [`spec.affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator`]],
    ['topology key', affinity('podAffinity', { [required]: [{ topologyKey: '' }] }).slice(0, 1), [`spec.affinity.podAffinity.${required}[0].topologyKey: Required value: can not be empty`]],
    ['skew', withSpec({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway' }] }), ['spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero']],
    ['toleration of all', withSpec({ tolerations: [{ operator: 'Equal' }] }), ['spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"']],
    ['toleration seconds', withSpec({ tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 1 }] }), ['spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be \'NoExecute\' when `tolerationSeconds` is set']],
    ['gates and a node', withSpec({ nodeName: 'n', schedulingGates: [{ name: 'a' }] }), ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared']],
    ['runtime class', withSpec({ runtimeClassName: '' }), ['spec.runtimeClassName: Invalid value: "": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\', and must start and end with an alphanumeric character (e.g. \'example.com\', regex used for validation is \'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\')']],
    ['a driver\'s volume', withSpec({ volumes: [{ name: 'v', csi: { driver: '', nodePublishSecretRef: {} } }] }).slice(0, 1), ['spec.volumes[0].csi.driver: Required value']],
    ['no claim', withSpec({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: '' } }] }), ['spec.volumes[0].persistentVolumeClaim.claimName: Required value']],
    ['no template of a claim', withSpec({ volumes: [{ name: 'v', ephemeral: {} }] }), ['spec.volumes[0].ephemeral.volumeClaimTemplate: Required value']],
    ['a template of a claim', withSpec({ volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { metadata: { name: 'n', labels: { a: 'b' } }, spec: { accessModes: ['ReadWriteOnce'], resources: {} } } } }] }),
      ['spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set for an ephemeral volume', 'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value']],
    ['an image as a volume', withSpec({ volumes: [{ name: 'v', image: { pullPolicy: 'Sometimes' } }] }), ['spec.volumes[0].image.reference: Required value', 'spec.volumes[0].image.pullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"']],
    ['two types', withSpec({ volumes: [{ name: 'v', emptyDir: {}, persistentVolumeClaim: { claimName: 'c' } }] }), ['spec.volumes[0].persistentVolumeClaim: Forbidden: may not specify more than 1 volume type']],
    ['overhead', withSpec({ overhead: { dogs: '1' } }), ['spec.overhead.limits[dogs]: Invalid value: "dogs": must be a standard resource type or fully qualified', 'spec.overhead.limits[dogs]: Invalid value: "dogs": must be a standard resource for containers']],
    ['a host name of one\'s own', withSpec({ hostnameOverride: 'db.example.org', hostname: 'other', subdomain: 'sub' }), []],
    ['a host name that is none', withSpec({ hostnameOverride: 'a_b' }).map((each) => each.slice(0, 48)), ['spec.hostnameOverride: Invalid value: "a_b": a lowercase'.slice(0, 48)]],
    ['a host name longer than the kernel\'s', withSpec({ hostnameOverride: `${'a'.repeat(60)}.long` }), ['spec.hostnameOverride: Too long: may not be more than 64 bytes']],
    ['a host name with others', withSpec({ hostnameOverride: 'db', setHostnameAsFQDN: true, hostNetwork: true }), ["spec.setHostnameAsFQDN: Forbidden: may not be specified when 'hostnameOverride' is specified", "spec.hostnameOverride: Forbidden: may not be specified when 'hostNetwork' is true"]],
    ['deadline', withSpec({ activeDeadlineSeconds: 0 }), ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive']],
    ['dns policy None', withSpec({ dnsPolicy: 'None' }), ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']],
    ['sysctl in the host\'s network', withSpec({ hostNetwork: true, securityContext: { sysctls: [{ name: 'net/ipv4/ip_forward', value: '1' }] } }), ["spec.securityContext.sysctls[0].name: Invalid value: \"net/ipv4/ip_forward\": may not be specified when 'hostNetwork' is true"]],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

describe('users of its own', () => {
  for (const [name, errors, expected] of [
    ['with namespaces of the machine', withSpec({ hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true }), ['hostNetwork', 'hostPID', 'hostIPC'].map((field) => `spec.${field}: Forbidden: when \`hostUsers\` is false`)],
    ['all of /proc without them', withContainer({ securityContext: { procMount: 'Unmasked' } }), ['spec.containers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`']],
    ['of an init container', withSpec({ hostUsers: true, initContainers: [{ name: 'i', image: 'a', securityContext: { procMount: 'Unmasked' } }] }), ['spec.initContainers[0].securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

describe('what the nodes of this cluster cannot honour passes, with a warning that names it', () => {
  const claims = { resourceClaims: [{ name: 'gpu', resourceClaimName: 'b' }] }
  const own = { containers: [{ name: 'c', image: 'a' }] }
  const of = (volume: object): object => ({ ...own, volumes: [{ name: 'v', ...volume }] })
  const withC = (container: object, more: object = {}): object => ({ ...more, containers: [{ name: 'c', image: 'a', ...container }] })
  for (const [name, spec, expected] of [
    ['rbd', of({ rbd: { monitors: ['m'], image: 'i' } }), ['spec.volumes[0].rbd: deprecated in v1.28, non-functional in v1.31+', 'spec.volumes[0].rbd: not supported by the nodes of this cluster: no volume plugin for rbd']],
    ['iscsi', of({ iscsi: { targetPortal: 'h', iqn: 'iqn.2001-04.com.example:d', lun: 0 } }), ['spec.volumes[0].iscsi: not supported by the nodes of this cluster: no volume plugin for iscsi']],
    ['huge pages as a volume', of({ emptyDir: { medium: 'HugePages-2Mi' } }), []],
    ['huge pages', withC({ resources: { limits: { 'hugepages-2Mi': '4Mi', memory: '1Gi' } } }), []],
    ['Windows', { ...own, os: { name: 'windows' } }, ['spec.os.name: not supported by the nodes of this cluster: they run Linux']],
    ["Windows' options", withC({ securityContext: { windowsOptions: { runAsUserName: 'u' } } }), ['spec.containers[0].securityContext.windowsOptions: not supported by the nodes of this cluster: they run Linux']],
    ['SELinux', { ...own, securityContext: { seLinuxOptions: { level: 's0' } } }, ['spec.securityContext.seLinuxOptions: has no effect on the nodes of this cluster: SELinux labels nothing there']],
    ['claims', withC({ resources: { claims: [{ name: 'gpu' }] } }, claims), ['spec.containers[0].resources.claims: not supported by the nodes of this cluster: no drivers of dynamic resources', 'spec.resourceClaims: not supported by the nodes of this cluster: no drivers of dynamic resources']],
    ['a host port of SCTP', withC({ ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 81, protocol: 'SCTP' }] }), ['spec.containers[0].ports[1].hostPort: not supported by the nodes of this cluster: host ports are TCP or UDP']],
    ['a shared process namespace with users of its own', { ...own, hostUsers: false, shareProcessNamespace: true }, ['spec.shareProcessNamespace: not supported by the nodes of this cluster: shareProcessNamespace with hostUsers: false']],
    ['nfs', of({ nfs: { server: 's', path: '/' } }), []],
    ["SCTP in the host's network", withC({ ports: [{ containerPort: 80, hostPort: 80, protocol: 'SCTP' }] }, { hostNetwork: true }), []],
  ] as const) test(name, () => {
    const { object, errors } = created(Pods, sent<Pod>({ spec }))
    expect(errors).toEqual([])
    expect(podWarnings('', object)).toEqual(expected)
  })
})

describe('what stands behind a gate that is off is refused by name', () => {
  for (const [name, errors, expected] of [
    ['bundles of trust', withSpec({ volumes: [{ name: 'v', projected: { sources: [{ clusterTrustBundle: { name: 'a', path: 'b' } }] } }] }), "spec.volumes[0].projected.sources[0].clusterTrustBundle: Forbidden: not supported: upstream's gate ClusterTrustBundleProjection is off"],
    ['scheduling groups', withSpec({ schedulingGroup: { podGroupName: 'g' } }), "spec.schedulingGroup: Forbidden: not supported: upstream's gate GenericWorkload is off"],
  ] as const) test(name, () => expect(errors).toEqual([expected]))
})

describe('what upstream validates of what our nodes cannot honour', () => {
  const volume = (source: object): string[] => withSpec({ volumes: [{ name: 'v', ...source }] })
  const at = 'spec.volumes[0]'
  const device = (devices: object[], container: object = {}, volumes: object[] = [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }]): string[] => withContainer({ volumeDevices: devices, ...container }, { volumes })
  for (const [name, errors, expected] of [
    ['nfs', volume({ nfs: { server: '', path: 'x' } }), [`${at}.nfs.server: Required value`, `${at}.nfs.path: Invalid value: "x": must be an absolute path`]],
    ['gitRepo', volume({ gitRepo: { repository: '', directory: '../x' } }), [`${at}.gitRepo.repository: Required value`, `${at}.gitRepo.directory: Invalid value: "../x": must not contain '..'`]],
    ['cinder', volume({ cinder: { volumeID: '', secretRef: {} } }), [`${at}.cinder.volumeID: Required value`, `${at}.cinder.secretRef.name: Required value`]],
    ['cephfs', volume({ cephfs: { monitors: [] } }), [`${at}.cephfs.monitors: Required value`]],
    ['two types', volume({ gitRepo: { repository: 'r' }, rbd: { monitors: ['m'], image: 'i' } }), [`${at}.rbd: Forbidden: may not specify more than 1 volume type`]],
    ['a device of no claim', device([{ name: 'v', devicePath: '/dev/x' }], {}, [{ name: 'v', emptyDir: {} }]), ['spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode']],
    ['a device of nothing', device([{ name: 'w', devicePath: '/dev/../x' }]), ['spec.containers[0].volumeDevices[0].name: Not found: "w"', 'spec.containers[0].volumeDevices[0].devicePath: Invalid value: "/dev/../x": can not contain backsteps (\'..\')']],
    ['a device that is mounted', device([{ name: 'v', devicePath: '/dev/x' }], { volumeMounts: [{ name: 'v', mountPath: '/v' }] }), ['spec.containers[0].volumeMounts[0].name: Invalid value: "v": must not already exist in volumeDevices', 'spec.containers[0].volumeDevices[0].name: Invalid value: "v": must not already exist in volumeMounts']],
    ['a claim of nothing', withContainer({ resources: { claims: [{ name: 'gpu' }] } }), ['spec.containers[0].resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is empty']],
    ['a claim without a source', withSpec({ resourceClaims: [{ name: 'gpu' }] }), ['spec.resourceClaims[0]: Invalid value: {"name":"gpu"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`']],
    ['huge pages alone', withContainer({ resources: { limits: { 'hugepages-2Mi': '3Mi' } } }), ['limits', 'requests'].map((list) => `spec.containers[0].resources.${list}[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of 2Mi`).concat('spec.containers[0].resources: Forbidden: HugePages require cpu or memory')],
    ["Windows' options on Linux", withContainer({ securityContext: { windowsOptions: {} } }, { os: { name: 'linux' } }), ['spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod']],
    ["Linux' fields on Windows", withContainer({ securityContext: { privileged: true } }, { os: { name: 'windows' }, hostPID: true, securityContext: { runAsUser: 1 } }), ['spec.hostPID', 'spec.securityContext.runAsUser', 'spec.containers[0].securityContext.privileged'].map((path) => `${path}: Forbidden: cannot be set for a windows pod`)],
    ['a host process without the host\'s network', withContainer({ securityContext: { windowsOptions: { hostProcess: true } } }), ['spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

describe('honoured', () => {
  for (const [name, errors] of [
    ['SCTP without a host port', withContainer({ ports: [{ containerPort: 80, protocol: 'SCTP' }] })],
    ["SCTP in the host's network", withContainer({ ports: [{ containerPort: 80, protocol: 'SCTP' }] }, { hostNetwork: true })],
    ['a limit of a volume in memory, and none', withSpec({ volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } }, { name: 'w', emptyDir: { sizeLimit: '0' } }] })],
    ['a limit of a volume on a disk', withSpec({ volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }] })],
    ['requests and limits of local storage', withContainer({ resources: { requests: { 'ephemeral-storage': '1Gi' }, limits: { 'ephemeral-storage': '2Gi' } } })],
    ['restarts for a resize', withContainer({ resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] })],
    ['claims', withSpec({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c', readOnly: true } }, { name: 'w', ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } } } }] })],
    ['AppArmor, which the node decides upon', withSpec({ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } }, initContainers: [{ name: 'i', image: 'a', securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'p' } } }] })],
    ['users of its own, and all of /proc to see', withContainer({ securityContext: { procMount: 'Unmasked' } }, { hostUsers: false })],
    ['seccomp profiles', withSpec({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } }, initContainers: [{ name: 'i', image: 'a', securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'a/b.json' } } }] })],
    ['no restart for a resize', withContainer({ resizePolicy: [{ resourceName: 'memory', restartPolicy: 'NotRequired' }] })],
  ] as const) test(`${name}: honoured`, () => expect(errors).toEqual([]))

  test('the claim of a template holds a file system', () => {
    const pod = created(Pods, sent<Pod>({ spec: { containers: [{ name: 'c', image: 'a' }], volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } } } } }] } })).object
    expect(pod.spec.volumes?.[0]?.ephemeral?.volumeClaimTemplate?.spec).toEqual({ accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', resources: { requests: { storage: '1Gi' } } })
  })

  test('in ephemeral containers', () => {
    const pod = created(Pods, sent<Pod>({ spec: { containers: [{ name: 'c', image: 'a' }] } })).object
    const debug = { name: 'debug', image: 'a', volumeDevices: [{ name: 'v', devicePath: '/d' }] }
    expect(updated(Pods, pod, (next) => { next.spec.ephemeralContainers = [debug as EphemeralContainer] }, { subresource: 'ephemeralcontainers' }).errors).toEqual(['spec.ephemeralContainers[0].volumeDevices[0].name: Not found: "v"'])
  })
})

describe('updates', () => {
  const old = (): Pod => created(Pods, sent<Pod>({ spec: { nodeName: 'n', containers: [{ name: 'c', image: 'a:1' }], tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }] } })).object
  const only = 'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n'
  for (const [name, change, expected] of [
    ['nothing', () => undefined, []],
    ['the image', (pod: Pod) => { pod.spec.containers[0]!.image = 'a:2' }, []],
    ['a deadline', (pod: Pod) => { pod.spec.activeDeadlineSeconds = 10 }, []],
    ['one more toleration', (pod: Pod) => { pod.spec.tolerations?.push({ key: 'other', operator: 'Exists' }) }, []],
    ['seconds of a toleration', (pod: Pod) => { pod.spec.tolerations![0]!.tolerationSeconds = 5 }, []],
    ['labels', (pod: Pod) => { pod.metadata.labels = { a: 'b' } }, []],
    ['a toleration gone', (pod: Pod) => { pod.spec.tolerations = [] }, ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds']],
    ['the command', (pod: Pod) => { pod.spec.containers[0]!.command = ['x'] }, [`${only}spec.containers[0].command: nothing -> ["x"]`]],
    ['the node', (pod: Pod) => { pod.spec.nodeName = 'm' }, [`${only}spec.nodeName: "n" -> "m"`]],
    ['one more container', (pod: Pod) => { pod.spec.containers.push({ name: 'd', image: 'a' }) }, ['spec.containers: Forbidden: pod updates may not add or remove containers']],
    ['a new gate', (pod: Pod) => { pod.spec.schedulingGates = [{ name: 'g' }] }, ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'"]],
    ['the mirror mark', (pod: Pod) => { pod.metadata.annotations = { 'kubernetes.io/config.mirror': 'x' } }, ['metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not add mirror pod annotation']],
  ] as const) test(name, () => expect(updated(Pods, old(), change).errors).toEqual(expected))

  test('a gated pod may be narrowed down, not widened', () => {
    const gated = created(Pods, sent<Pod>({ spec: { containers: [{ name: 'c', image: 'a' }], schedulingGates: [{ name: 'g' }], nodeSelector: { a: '1' } } })).object
    expect(updated(Pods, gated, ({ spec }) => { spec.nodeSelector = { a: '1', b: '2' } }).errors).toEqual([])
    expect(updated(Pods, gated, ({ spec }) => { spec.nodeSelector = { b: '2' } }).errors).toEqual(['spec.nodeSelector: Invalid value: {"b":"2"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)'])
    expect(updated(Pods, gated, ({ spec }) => { spec.affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }] } } } }).errors).toEqual([])
  })

  test('status: only the status changes, addresses imply each other', () => {
    const { object, errors } = updated(Pods, old(), (pod) => {
      pod.spec.nodeName = 'elsewhere'
      pod.metadata.ownerReferences = []
      pod.status = { ...pod.status, phase: 'Running', podIP: '10.244.0.5', hostIP: '192.0.2.1' }
    }, { subresource: 'status' })
    expect(errors).toEqual([])
    expect(object.spec.nodeName).toBe('n')
    expect(object.metadata.ownerReferences).toBeUndefined()
    expect(object.status).toMatchObject({ phase: 'Running', podIP: '10.244.0.5', podIPs: [{ ip: '10.244.0.5' }], hostIPs: [{ ip: '192.0.2.1' }], qosClass: 'BestEffort' })
  })

  test('status: what ended for good stays ended', () => {
    const never = created(Pods, sent<Pod>({ spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'a' }] } })).object
    const base = { name: 'c', image: 'a', imageID: '', ready: false, restartCount: 0 }
    never.status.containerStatuses = [{ ...base, state: { terminated: { exitCode: 1 } } }]
    expect(updated(Pods, never, ({ status }) => { status.containerStatuses = [{ ...base, state: { running: {} } }] }, { subresource: 'status' }).errors)
      .toEqual(['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'])
    expect(updated(Pods, never, ({ status }) => { status.qosClass = 'Guaranteed' }, { subresource: 'status' }).errors).toEqual(['status.qosClass: Invalid value: "Guaranteed": field is immutable'])
  })

  test('ephemeral containers are only added', () => {
    const added = updated(Pods, old(), (pod) => { pod.spec.ephemeralContainers = [{ name: 'debug', image: 'a', targetContainerName: 'c' }]; pod.spec.nodeName = 'm' }, { subresource: 'ephemeralcontainers' })
    expect(added.errors).toEqual([])
    expect(added.object.spec.nodeName).toBe('n')
    expect(updated(Pods, added.object, (pod) => { pod.spec.ephemeralContainers = [] }, { subresource: 'ephemeralcontainers' }).errors).toEqual(['spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n'])
    expect(updated(Pods, old(), (pod) => { pod.spec.ephemeralContainers = [{ name: 'debug', image: 'a', ports: [{ containerPort: 1, protocol: 'TCP' }], targetContainerName: 'x' }] }, { subresource: 'ephemeralcontainers' }).errors)
      .toEqual(['spec.ephemeralContainers[0].targetContainerName: Not found: "x"', 'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container'])
  })
})
