/** Every pod runs as a service account, and gets its token mounted. Mirrors `plugin/pkg/admission/serviceaccount`. */
import { Pods, ServiceAccounts } from '../../api/kinds.ts'
import type { Random } from '../../api/random.ts'
import { nameSuffix } from '../../api/random.ts'
import { badRequest, forbidden } from '../../api/status.ts'
import type { Pod, ServiceAccount, Volume } from '../../api/types.ts'
import type { AdmissionPlugin } from './plugin.ts'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const volumePrefix = 'kube-api-access-'
const mirrorAnnotation = 'kubernetes.io/config.mirror'
/** One hour and the leeway that upstream gives kubelets which refresh late. */
const tokenSeconds = 3_607

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  },
})

const wantsToken = (pod: Pod, account: ServiceAccount): boolean => pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true

const mountToken = (pod: Pod, random: Random): void => {
  const existing = (pod.spec.volumes ?? []).find(({ name }) => name.startsWith(volumePrefix))
  const name = existing?.name ?? `${volumePrefix}${nameSuffix(random)}`
  let used = false
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    if ((container.volumeMounts ?? []).some((mount) => mount.mountPath === mountPath)) continue
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
    used = true
  }
  if (used && !existing) pod.spec.volumes = [...(pod.spec.volumes ?? []), tokenVolume(name)]
}

const checkMirrorPod = (pod: Pod): void => {
  if (pod.spec.serviceAccountName) throw forbidden(Pods, pod.metadata.name, 'a mirror pod may not reference service accounts')
  if ((pod.spec.volumes ?? []).some(({ projected, secret }) => secret || (projected?.sources ?? []).some(({ serviceAccountToken }) => serviceAccountToken))) {
    throw forbidden(Pods, pod.metadata.name, 'a mirror pod may not use secrets or ServiceAccountToken volume projections')
  }
}

export const serviceAccountAdmission = (random: Random): AdmissionPlugin => ({
  name: 'ServiceAccount',
  handles: ({ operation, kind, subresource }) => operation === 'CREATE' && kind === Pods && subresource === '',
  mutate: ({ object, namespace }, { lookup }) => {
    const pod = object as Pod
    if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) { checkMirrorPod(pod); return }
    pod.spec.serviceAccountName ||= 'default'
    pod.spec.serviceAccount = pod.spec.serviceAccountName
    const account = lookup.get(ServiceAccounts, pod.spec.serviceAccountName, namespace)
    if (!account) throw forbidden(Pods, pod.metadata.name || (pod.metadata.generateName ?? ''), `error looking up service account ${namespace}/${pod.spec.serviceAccountName}: serviceaccount ${JSON.stringify(pod.spec.serviceAccountName)} not found`)
    if (wantsToken(pod, account)) mountToken(pod, random)
    if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length) pod.spec.imagePullSecrets = structuredClone(account.imagePullSecrets)
  },
  validate: ({ object }) => {
    const { spec } = object as Pod
    if (spec.serviceAccount && spec.serviceAccountName && spec.serviceAccount !== spec.serviceAccountName) throw badRequest('serviceAccount and serviceAccountName must be the same')
  },
})
