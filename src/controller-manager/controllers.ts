/** The controllers that run: the plain list. */
import { type Kind, ResourceQuotas } from '../api/kinds.ts'
import type { Client } from '../client/client.ts'
import type { Reconciler } from '../client/controller.ts'
import { bootstrapSigner, tokenCleaner } from './bootstrap/bootstrap.ts'
import { certificateApprover } from './certificates/approver.ts'
import { certificateCleaner } from './certificates/cleaner.ts'
import { certificateSigner, type Signing } from './certificates/signer.ts'
import { clusterRoleAggregation } from './cluster-role-aggregation.ts'
import { cronJobs } from './cron-job/cron-job.ts'
import { localTimeZone } from './cron-job/local-time.ts'
import { attachDetach } from './csi/attach-detach.ts'
import { csiAttacher } from './csi/attacher.ts'
import { csiCapacities } from './csi/capacity.ts'
import { cloneProtection } from './csi/clone-protection.ts'
import { controllerService } from './csi/controller-service.ts'
import { csiModifier } from './csi/modifier.ts'
import { csiProvisioner } from './csi/provisioner.ts'
import { csiResizer } from './csi/resizer.ts'
import { daemonSets } from './daemon-set/daemon-set.ts'
import { deployments } from './deployment/deployment.ts'
import { disruption } from './disruption/disruption.ts'
import { endpoints } from './endpoints/endpoints.ts'
import { endpointSlices } from './endpoint-slice/endpoint-slice.ts'
import { endpointSliceMirroring } from './endpoint-slice-mirroring/endpoint-slice-mirroring.ts'
import { ephemeralVolumes } from './ephemeral-volumes.ts'
import { flowSchemaStatus } from './flow-schema-status.ts'
import { garbageCollector } from './garbage-collector/garbage-collector.ts'
import { hostPathProvisioner } from './host-path-provisioner.ts'
import { jobs } from './job/job.ts'
import { namespaces } from './namespace/namespace.ts'
import type { EmptyAction } from './namespace/empty.ts'
import { nodeIPAM, type PodRanges } from './node-ipam/node-ipam.ts'
import type { GracePeriods } from './node-lifecycle/health.ts'
import { nodeLifecycle } from './node-lifecycle/node-lifecycle.ts'
import { taintEviction } from './node-lifecycle/taint-eviction.ts'
import { podAutoscalers } from './pod-autoscaler/pod-autoscaler.ts'
import { podGarbageCollector } from './pod-gc.ts'
import { replicaSets } from './replica-set/replica-set.ts'
import { replicationControllers } from './replica-set/replication-controller.ts'
import { resourceQuotas } from './resource-quota.ts'
import { rootCAPublisher } from './root-ca.ts'
import { serviceAccounts } from './service-account.ts'
import { serviceCIDRs } from './service-cidr/service-cidr.ts'
import { statefulSets } from './stateful-set/stateful-set.ts'
import { attributesClassProtection } from './storage-protection/attributes-classes.ts'
import { claimProtection } from './storage-protection/claims.ts'
import { volumeProtection } from './storage-protection/volumes.ts'
import { tokenSecrets } from './token-secret.ts'
import { ttlAfterFinished } from './ttl-after-finished.ts'
import { volumeBinding } from './volume-binding/volume-binding.ts'

export interface ControllerOptions {
  /** Gives each node a range of pod addresses; absent: somebody else does (upstream's --allocate-node-cidrs). */
  podRanges?: PodRanges
  /** PEM, published in every namespace as `kube-root-ca.crt`, and put into token Secrets; absent: nothing is published. */
  caBundle?: string
  /** Signs kubelets' certificates; absent: somebody else does. */
  signing?: Signing
  /** When a silent node counts as lost. */
  grace?: GracePeriods
  /** Finished pods beyond this number are deleted, oldest first; 0: never. */
  terminatedPodThreshold?: number
  /** Where on each node the volumes are that claims of provisioner wherry.io/host-path get; absent: nobody makes any. */
  volumeDirectory?: string
}

export interface ControllerContext { client: Client; monotonic(): number; options: ControllerOptions }

/** For drivers that come without sidecars of their own; attachDetach is for all. */
const controllersOfDrivers = (client: Client): Reconciler[] => {
  const context = { client, service: controllerService(client) }
  return [attachDetach, csiProvisioner(context), cloneProtection, csiAttacher(context), csiResizer(context), csiModifier(context), csiCapacities(context)]
}

/** Those that concern kinds which are known beforehand. */
export const controllers = ({ client, monotonic, options }: ControllerContext): Reconciler[] => [
  ...controllersOfDrivers(client),
  serviceAccounts,
  tokenSecrets(client, options.caBundle),
  bootstrapSigner,
  tokenCleaner,
  ...(options.caBundle === undefined ? [] : [rootCAPublisher(options.caBundle)]),
  deployments,
  replicaSets,
  replicationControllers,
  daemonSets(monotonic),
  statefulSets,
  jobs,
  cronJobs(localTimeZone()),
  ttlAfterFinished,
  disruption(client),
  podAutoscalers(client),
  volumeBinding,
  ephemeralVolumes,
  ...(options.volumeDirectory ? [hostPathProvisioner(options.volumeDirectory)] : []),
  endpointSlices,
  endpointSliceMirroring,
  endpoints,
  nodeLifecycle({ monotonic, ...(options.grace && { grace: options.grace }) }),
  taintEviction(),
  ...(options.podRanges ? [nodeIPAM(options.podRanges)] : []),
  podGarbageCollector({ client, monotonic, ...(options.terminatedPodThreshold !== undefined && { terminatedThreshold: options.terminatedPodThreshold }) }),
  certificateApprover(client),
  ...(options.signing ? [certificateSigner(options.signing)] : []),
  certificateCleaner,
  clusterRoleAggregation,
  claimProtection,
  volumeProtection,
  attributesClassProtection,
  serviceCIDRs,
  flowSchemaStatus,
]

/** Those that concern every kind that the server serves: made anew when that changes. */
export const controllersOfAllKinds = (kinds: readonly Kind[], client: Client): { plain: Reconciler[]; namespaces: Reconciler<EmptyAction> } =>
  ({ plain: [garbageCollector(kinds, client), ...(kinds.some(({ plural }) => plural === ResourceQuotas.plural) ? [resourceQuotas(kinds)] : [])], namespaces: namespaces(kinds, client) })
