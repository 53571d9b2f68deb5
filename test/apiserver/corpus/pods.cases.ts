/** Pods: defaults and what is wrong with them; quantities and times. */
import { absent, type Case, code, page, reference } from './case.ts'
import { container, pod } from './objects.ts'

const spec = (field: string) => reference(`api.core.v1.PodSpec.${field}`)
const of = (field: string) => reference(`api.core.v1.Container.${field}`)
const validation = code('pkg/apis/core/validation/validation.go')
const defaults = code('pkg/apis/core/v1/defaults.go')
const quantities = reference('api.resource.Quantity')
const one = (more: object, podMore: object = {}) => pod('p', { containers: [container(more as never)], ...podMore } as never)
const post = (send: object) => ({ ask: 'POST {pods}', send })
const makes = ([name, source, send, body]: readonly [string, Case['source'], object, object]): Case => ({ name, source, ...post(send), status: 201, body: body as never })
const wrong = ([name, source, send, message]: readonly [string, Case['source'], object, string | RegExp]): Case =>
  ({ name, source, ...post(send), status: 422, reason: 'Invalid', message: typeof message === 'string' ? `Pod "p" is invalid: ${message}` : message })
const first = (more: object) => ({ spec: { containers: [more] } })
const label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const requests = (memory: string) => one({ resources: { requests: { memory } } })
const limits = (cpu: string) => one({ resources: { limits: { cpu } } })
const quantity = (written: string, canonical: string, cpu = false): Case => ({ name: `quantity: ${written} is ${canonical}`, source: quantities, ...post(cpu ? limits(written) : requests(written)), status: 201,
  body: first({ resources: cpu ? { limits: { cpu: canonical } } : { requests: { memory: canonical } } }) as never })

export const podCases: readonly Case[] = [
  ...([
    ['restartPolicy: Always', spec('restartPolicy'), pod('p'), { spec: { restartPolicy: 'Always' } }],
    ['dnsPolicy: ClusterFirst', spec('dnsPolicy'), pod('p'), { spec: { dnsPolicy: 'ClusterFirst' } }],
    ['terminationGracePeriodSeconds: 30', spec('terminationGracePeriodSeconds'), pod('p'), { spec: { terminationGracePeriodSeconds: 30 } }],
    ['schedulerName: default-scheduler', spec('schedulerName'), pod('p'), { spec: { schedulerName: 'default-scheduler' } }],
    ['enableServiceLinks: true', spec('enableServiceLinks'), pod('p'), { spec: { enableServiceLinks: true } }],
    ['serviceAccountName: default', page('reference/access-authn-authz/service-accounts-admin/', 'serviceaccount-admission-controller'), pod('p'), { spec: { serviceAccountName: 'default', serviceAccount: 'default' } }],
    ['securityContext is there', defaults, pod('p'), { spec: { securityContext: {} } }],
    ['phase Pending, quality by resources', page('concepts/workloads/pods/pod-qos/', 'besteffort'), pod('p'), { status: { phase: 'Pending', qosClass: 'BestEffort' } }],
    ['tolerations for nodes that fail', page('reference/access-authn-authz/admission-controllers/', 'defaulttolerationseconds'), pod('p'), { spec: { tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }, { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }] } }],
    ['a token is mounted', page('reference/access-authn-authz/service-accounts-admin/', 'serviceaccount-admission-controller'), pod('p'), first({ volumeMounts: [{ name: /^kube-api-access-[a-z0-9]{5}$/, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] })],
    ['no token when asked not to', page('tasks/configure-pod-container/configure-service-account/', 'opt-out-of-api-credential-automounting'), pod('p', { automountServiceAccountToken: false }), first({ volumeMounts: absent })],
    ['terminationMessagePath and policy', of('terminationMessagePath'), pod('p'), first({ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' })],
    ['imagePullPolicy with a tag: IfNotPresent', page('concepts/containers/images/', 'imagepullpolicy-defaulting'), one({ image: 'nginx:1' }), first({ imagePullPolicy: 'IfNotPresent' })],
    ['imagePullPolicy of latest: Always', page('concepts/containers/images/', 'imagepullpolicy-defaulting'), one({ image: 'nginx:latest' }), first({ imagePullPolicy: 'Always' })],
    ['imagePullPolicy without a tag: Always', page('concepts/containers/images/', 'imagepullpolicy-defaulting'), one({ image: 'nginx' }), first({ imagePullPolicy: 'Always' })],
    ['imagePullPolicy with a digest: IfNotPresent', page('concepts/containers/images/', 'imagepullpolicy-defaulting'), one({ image: `nginx@sha256:${'a'.repeat(64)}` }), first({ imagePullPolicy: 'IfNotPresent' })],
    ['a port’s protocol: TCP', reference('api.core.v1.ContainerPort.protocol'), one({ ports: [{ containerPort: 80 }] }), first({ ports: [{ containerPort: 80, protocol: 'TCP' }] })],
    ['host network takes host ports', defaults, one({ ports: [{ containerPort: 80 }] }, { hostNetwork: true }), first({ ports: [{ containerPort: 80, hostPort: 80 }] })],
    ['a probe: 10 s, 1 s, 1, 3', page('tasks/configure-pod-container/configure-liveness-readiness-startup-probes/', 'configure-probes'), one({ livenessProbe: { httpGet: { port: 80 } } }), first({ livenessProbe: { httpGet: { path: '/', port: 80, scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 } })],
    ['requests are the limits where they are not said', page('concepts/configuration/manage-resources-containers/', 'requests-and-limits'), one({ resources: { limits: { cpu: '1', memory: '1Gi' } } }), { spec: { containers: [{ resources: { requests: { cpu: '1', memory: '1Gi' } } }] }, status: { qosClass: 'Guaranteed' } }],
    ['requests without limits: Burstable', page('concepts/workloads/pods/pod-qos/', 'burstable'), one({ resources: { requests: { cpu: '1' } } }), { status: { qosClass: 'Burstable' } }],
    ['a field of the pod in the environment: version v1', defaults, one({ env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }), first({ env: [{ valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }] })],
    ['modes of volumes: 0644', reference('api.core.v1.ConfigMapVolumeSource.defaultMode'), pod('p', { automountServiceAccountToken: false, volumes: [{ name: 'v', configMap: { name: 'c' } }] }), { spec: { volumes: [{ configMap: { defaultMode: 420 } }] } }],
    ['a volume of nothing is emptyDir', defaults, pod('p', { automountServiceAccountToken: false, volumes: [{ name: 'v' }] }), { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }],
    ['priority 0, preempting', page('concepts/scheduling-eviction/pod-priority-preemption/', 'pod-priority'), pod('p'), { spec: { priority: 0, preemptionPolicy: 'PreemptLowerPriority' } }],
    ['a priority by its class', page('concepts/scheduling-eviction/pod-priority-preemption/', 'pod-priority'), pod('p', { priorityClassName: 'system-node-critical' }), { spec: { priority: 2_000_001_000, priorityClassName: 'system-node-critical' } }],
  ] as const).map(makes),
  ...([
    ['no containers', validation, pod('p', { containers: [] }), 'spec.containers: Required value'],
    ['a container without a name', validation, one({ name: '' }), 'spec.containers[0].name: Required value'],
    ['a container without an image', validation, pod('p', { containers: [{ name: 'c' }] }), 'spec.containers[0].image: Required value'],
    ['a container’s name in capitals', validation, one({ name: 'C' }), `spec.containers[0].name: Invalid value: "C": ${label}`],
    ['two containers of one name', validation, pod('p', { containers: [container(), container()] }), 'spec.containers[1].name: Duplicate value: "c"'],
    ['a restart policy that nobody knows', validation, pod('p', { restartPolicy: 'Sometimes' }), 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ['a DNS policy that nobody knows', validation, pod('p', { dnsPolicy: 'Magic' }), 'spec.dnsPolicy: Unsupported value: "Magic": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'],
    ['an image policy that nobody knows', validation, one({ imagePullPolicy: 'Maybe' }), 'spec.containers[0].imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", "IfNotPresent", "Never"'],
    ['a port beyond 65535', validation, one({ ports: [{ containerPort: 70_000 }] }), 'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ['a protocol that nobody knows', validation, one({ ports: [{ containerPort: 80, protocol: 'ICMP' }] }), 'spec.containers[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ['a mount of no volume', validation, one({ volumeMounts: [{ name: 'none', mountPath: '/x' }] }), 'spec.containers[0].volumeMounts[0].name: Not found: "none"'],
    ['two volumes of one name', validation, pod('p', { volumes: [{ name: 'v', emptyDir: {} }, { name: 'v', emptyDir: {} }] }), 'spec.volumes[1].name: Duplicate value: "v"'],
    ['a volume of two kinds', validation, pod('p', { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] }), /spec\.volumes\[0\]\.hostPath: Forbidden: may not specify more than 1 volume type/],
    ['requests beyond limits', validation, one({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }), 'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ['a negative request', validation, one({ resources: { requests: { cpu: '-1' } } }), 'spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ['a probe of nothing', validation, one({ livenessProbe: { periodSeconds: 5 } }), 'spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ['a probe of two kinds', validation, one({ livenessProbe: { exec: { command: ['x'] }, tcpSocket: { port: 80 } } }), /spec\.containers\[0\]\.livenessProbe\.tcpSocket: Forbidden: may not specify more than 1 handler type/],
    ['a deadline of nothing', validation, pod('p', { activeDeadlineSeconds: 0 }), 'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    ['an environment variable without a name', validation, one({ env: [{ name: '', value: 'x' }] }), 'spec.containers[0].env[0].name: Required value'],
    ['a value twice said', validation, one({ env: [{ name: 'X', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }), 'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ['a toleration of everything with an operator Equal', validation, pod('p', { tolerations: [{ operator: 'Equal', value: 'x' }] }), /spec\.tolerations\[0\]\.operator: Invalid value: "Equal": operator must be Exists when `key` is empty/],
    ['a host name that is none', validation, pod('p', { hostname: 'a.b' }), `spec.hostname: Invalid value: "a.b": ${label}`],
    ['a volume path with ..', validation, one({ volumeMounts: [{ name: 'v', mountPath: '/x', subPath: '../x' }] }, { volumes: [{ name: 'v', emptyDir: {} }] }), "spec.containers[0].volumeMounts.subPath: Invalid value: \"../x\": must not contain '..'"],
    ['uid of root that may not be root', validation, one({ securityContext: { runAsUser: -1 } }), /spec\.containers\[0\]\.securityContext\.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive/],
  ] as const).map(wrong),
  { name: 'a service account that is not there', source: code('plugin/pkg/admission/serviceaccount/admission.go'), ...post(pod('p', { serviceAccountName: 'none' })), status: 403, reason: 'Forbidden', message: 'pods "p" is forbidden: error looking up service account {ns}/none: serviceaccount "none" not found' },
  { name: 'a priority class that is not there', source: code('plugin/pkg/admission/priority/admission.go'), ...post(pod('p', { priorityClassName: 'none' })), status: 403, reason: 'Forbidden', message: 'pods "p" is forbidden: no PriorityClass with name none was found' },
  quantity('1024Mi', '1Gi'), quantity('1048576', '1048576'), quantity('1000M', '1G'), quantity('1.5Gi', '1536Mi'), quantity('0.5', '500m', true), quantity('1000m', '1', true), quantity('1e3', '1e3', true), quantity('+2', '2', true), quantity('0.1', '100m', true), quantity('100000u', '100m', true),
  { name: 'quantity: what is none', source: quantities, ...post(limits('1 core')), status: 400, reason: 'BadRequest', message: /quantities must match the regular expression '\^\(\[\+-\]\?\[0-9\.\]\+\)\(\[eEinumkKMGTP\]\*\[-\+\]\?\[0-9\]\*\)\$'/ },
  { name: 'quantity: a number is one, too', source: quantities, ...post(one({ resources: { limits: { cpu: 2 } } })), status: 201, body: first({ resources: { limits: { cpu: '2' } } }) as never },
  { name: 'time: a zone is turned to UTC', source: reference('apis.meta.v1.Time'), given: [pod('p')], ask: 'PATCH {pods}/p/status', send: { status: { startTime: '2026-01-01T02:00:00+02:00' } }, status: 200, body: { status: { startTime: '2026-01-01T00:00:00Z' } } },
  { name: 'time: fractions are dropped', source: reference('apis.meta.v1.Time'), given: [pod('p')], ask: 'PATCH {pods}/p/status', send: { status: { startTime: '2026-01-01T00:00:00.999Z' } }, status: 200, body: { status: { startTime: '2026-01-01T00:00:00Z' } } },
  { name: 'time: what is none', source: reference('apis.meta.v1.Time'), given: [pod('p')], ask: 'PATCH {pods}/p/status', send: { status: { startTime: 'yesterday' } }, status: 422, reason: 'Invalid', message: /parsing time \\?"yesterday\\?"/ },
]
