/** The flow schemas and priority levels that upstream's API server makes: those that must be, and those that it suggests. Mirrors apiserver's `pkg/apis/flowcontrol/bootstrap/default.go`. */
import { semanticEqual } from '../../api/equal.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { FlowSchemas, type Kind, PriorityLevelConfigurations } from '../../api/kinds.ts'
import type { FlowcontrolSubject, FlowSchemaSpec, PriorityLevelConfigurationSpec, ResourcePolicyRule } from '../../api/types.ts'
import { everybody, groupSubject, mandatoryFlowSchemas, mandatoryPriorityLevels, schemaOfAll } from '../registry/flowcontrol/mandatory-objects.ts'

const user = (name: string): FlowcontrolSubject => ({ kind: 'User', user: { name } })
const systemAccount = (name: string): FlowcontrolSubject => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } })

const rule = (apiGroup: string, resources: string[], verbs: string[], clusterScope = false): ResourcePolicyRule =>
  ({ verbs, apiGroups: [apiGroup], resources, ...(clusterScope && { clusterScope }), namespaces: ['*'] })

const schemaOf = (level: string, matchingPrecedence: number, { subjects, resourceRules }: { subjects: FlowcontrolSubject[]; resourceRules: ResourcePolicyRule[] }): FlowSchemaSpec =>
  ({ priorityLevelConfiguration: { name: level }, matchingPrecedence, distinguisherMethod: { type: 'ByUser' }, rules: [{ subjects, resourceRules }] })

const controllerManager = user('system:kube-controller-manager')
const scheduler = user('system:kube-scheduler')
const someVerbs = ['get', 'create', 'update']
const leases = rule('coordination.k8s.io', ['leases'], someVerbs)

const suggestedFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  probes: {
    priorityLevelConfiguration: { name: 'exempt' }, matchingPrecedence: 2,
    rules: [{ subjects: [...everybody], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] }],
  },
  'system-leader-election': schemaOf('leader-election', 100, { subjects: [controllerManager, scheduler, systemAccount('*')], resourceRules: [leases] }),
  'endpoint-controller': schemaOf('workload-high', 150, {
    subjects: [controllerManager, systemAccount('endpoint-controller'), systemAccount('endpointslicemirroring-controller')], resourceRules: [rule('', ['endpoints'], someVerbs)],
  }),
  'workload-leader-election': schemaOf('leader-election', 200, { subjects: [systemAccount('*')], resourceRules: [leases] }),
  'system-node-high': schemaOf('node-high', 400, {
    subjects: [groupSubject('system:nodes')], resourceRules: [rule('', ['nodes', 'nodes/status'], ['*'], true), rule('coordination.k8s.io', ['leases'], ['*'])],
  }),
  'system-nodes': schemaOfAll('system', 500, { subjects: [groupSubject('system:nodes')], method: 'ByUser' }),
  'kube-controller-manager': schemaOfAll('workload-high', 800, { subjects: [controllerManager], method: 'ByNamespace' }),
  'kube-scheduler': schemaOfAll('workload-high', 800, { subjects: [scheduler], method: 'ByNamespace' }),
  'kube-system-service-accounts': schemaOfAll('workload-high', 900, { subjects: [systemAccount('*')], method: 'ByNamespace' }),
  'service-accounts': schemaOfAll('workload-low', 9000, { subjects: [groupSubject('system:serviceaccounts')], method: 'ByUser' }),
  'global-default': schemaOfAll('global-default', 9900, { subjects: everybody, method: 'ByUser' }),
}

const level = (nominalConcurrencyShares: number, lendablePercent: number, [queues, handSize]: readonly [queues: number, handSize: number]): PriorityLevelConfigurationSpec =>
  ({ type: 'Limited', limited: { nominalConcurrencyShares, limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } }, lendablePercent } })

const suggestedPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: level(30, 33, [64, 6]), 'node-high': level(40, 25, [64, 6]), 'leader-election': level(10, 0, [16, 4]),
  'workload-high': level(40, 50, [128, 6]), 'workload-low': level(100, 90, [128, 6]), 'global-default': level(20, 50, [128, 6]),
}

interface Made { kind: Kind; namespace: string; name: string; object: JsonObject; kept: boolean; correct(current: KubeObject): object | undefined }

const autoUpdate = 'apf.kubernetes.io/autoupdate-spec'

/**
 * The object with the specification that it should have, when it has not: unless its annotation says that it is an administrator's. Without the annotation an object is
 * ours as long as nobody has changed it (its generation is 1), and gets it. Mirrors apiserver's `pkg/util/flowcontrol/.../ensurer/strategy.go`.
 */
export const maintained = (current: KubeObject & { spec?: unknown }, spec: object): object | undefined => {
  const said = current.metadata.annotations?.[autoUpdate]
  const ours = said === 'true' || (said !== 'false' && current.metadata.generation === 1)
  const annotation = said === 'true' || said === 'false' ? said : String(ours)
  if (annotation === said && (!ours || semanticEqual(current.spec, spec))) return undefined
  return { ...current, metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, [autoUpdate]: annotation } }, ...(ours && { spec }) }
}

const made = (kind: Kind, specs: Readonly<Record<string, object>>): Made[] => Object.entries(specs).map(([name, spec]) => ({
  kind, namespace: '', name, kept: false, object: { metadata: { name, annotations: { [autoUpdate]: 'true' } }, spec: spec as JsonObject },
  correct: (current) => maintained(current, spec),
}))

export const flowControlObjects: readonly Made[] = [
  ...made(PriorityLevelConfigurations, { ...mandatoryPriorityLevels, ...suggestedPriorityLevels }),
  ...made(FlowSchemas, { ...mandatoryFlowSchemas, ...suggestedFlowSchemas }),
]
