/** What upstream publishes of its types besides their fields, and the generated schema has lost: zero values, names of arbitrary JSON, unmarked lists. Checked against the oracle by test/apiserver/openapi/upstream-documents.test.ts. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { absentStrings } from '../../api/facts.ts'
import type { FieldSchema } from '../../api/schema.ts'

const extensionsPackage = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'
const rawExtension = 'io.k8s.apimachinery.pkg.runtime.RawExtension'
const fieldsV1 = 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1'

/** Definitions of arbitrary JSON. */
export const arbitraryTypes: JsonObject = {
  [rawExtension]: { description: 'RawExtension is used to hold extensions in external versions.', type: 'object' },
  [fieldsV1]: { description: 'FieldsV1 stores a set of fields in a data structure like a Trie, in JSON format.', type: 'object' },
  [`${extensionsPackage}.CustomResourceSubresourceStatus`]: { description: 'CustomResourceSubresourceStatus defines how to serve the status subresource for CustomResources.', type: 'object' },
  ...Object.fromEntries([['JSON', 'any valid JSON value'], ['JSONSchemaPropsOrArray', 'a value that can either be a JSONSchemaProps or an array of JSONSchemaProps'],
    ['JSONSchemaPropsOrBool', 'JSONSchemaProps or a boolean value'], ['JSONSchemaPropsOrStringArray', 'a JSONSchemaProps or a string array']].map(([name = '', what = '']) => [`${extensionsPackage}.${name}`, { description: `${name} represents ${what}.` }])),
}

const ofJsonSchema: Readonly<Record<string, string>> = { default: 'JSON', example: 'JSON', enum: 'JSON', items: 'JSONSchemaPropsOrArray', additionalItems: 'JSONSchemaPropsOrBool', additionalProperties: 'JSONSchemaPropsOrBool', dependencies: 'JSONSchemaPropsOrStringArray' }

/** The definition that arbitrary JSON at `Type.field` refers to. */
export const opaqueType = (path: string): string | undefined => {
  const [type = '', field = ''] = path.split('.')
  if (path === 'CustomResourceSubresources.status') return `${extensionsPackage}.CustomResourceSubresourceStatus`
  if (type === 'JSONSchemaProps') return `${extensionsPackage}.${ofJsonSchema[field] ?? 'JSON'}`
  return field === 'fieldsV1' ? fieldsV1 : rawExtension
}

/** References of which upstream says nothing: they stand alone, others go together with the words that our source has lost. */
export const isUndescribed = (path: string): boolean => path === 'IngressRule.http' || (path.startsWith('JSONSchemaProps.') && path !== 'JSONSchemaProps.default')

/** Lists without a marker: those of lists of objects, and of discovery's types. */
const unmarked = new Set(['APIResource.verbs'])
export const unmarkedList = (path: string): boolean => /List(V2)?\.items$/.test(path) || unmarked.has(path)

const fields = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Defaults that the types state (`+default=`), and zeros of fields that are not required and yet no pointers: value → `Type.field`. */
const stated: ReadonlyMap<string, JsonValue> = new Map(([
  ['', `StatefulSetSpec.serviceName TokenRequestStatus.token PodFailurePolicyOnPodConditionsPattern.status ConfigMapEnvSource.name ConfigMapKeySelector.name ConfigMapProjection.name ConfigMapVolumeSource.name Event.reportingComponent
    Event.reportingInstance GRPCAction.service LocalObjectReference.name NodeRuntimeHandler.name SecretEnvSource.name SecretKeySelector.name SecretProjection.name RoleRef.apiGroup`],
  [0, `StatefulSetOrdinals.start StatefulSetStatus.availableReplicas ScaleSpec.replicas ReplicationControllerSpec.minReadySeconds FlowSchemaSpec.matchingPrecedence QueuingConfiguration.handSize QueuingConfiguration.queueLengthLimit
    QueuingConfiguration.queues PodDisruptionBudgetStatus.currentHealthy PodDisruptionBudgetStatus.desiredHealthy PodDisruptionBudgetStatus.disruptionsAllowed PodDisruptionBudgetStatus.expectedPods PriorityClass.value`],
  [1, 'ReplicationControllerSpec.replicas'], [false, 'AzureDiskVolumeSource.readOnly FileKeySelector.optional'], ['ReadWrite', 'AzureDiskVolumeSource.cachingMode'], ['ext4', 'AzureDiskVolumeSource.fsType'],
  ['Shared', 'AzureDiskVolumeSource.kind'], ['TCP', 'ContainerPort.protocol ServicePort.protocol'], ['default', 'ISCSIPersistentVolumeSource.iscsiInterface ISCSIVolumeSource.iscsiInterface'],
  ['/etc/ceph/keyring', 'RBDPersistentVolumeSource.keyring RBDVolumeSource.keyring'], ['rbd', 'RBDPersistentVolumeSource.pool RBDVolumeSource.pool'], ['admin', 'RBDPersistentVolumeSource.user RBDVolumeSource.user'],
  ['xfs', 'ScaleIOPersistentVolumeSource.fsType ScaleIOVolumeSource.fsType'], ['ThinProvisioned', 'ScaleIOPersistentVolumeSource.storageMode ScaleIOVolumeSource.storageMode'], ['Equal', 'DeviceToleration.operator'],
] as const).flatMap(([value, list]) => fields(list).map((path) => [path, value] as const)))
/** Required fields that are pointers. */
const pointers = new Set(absentStrings)

const zeros: Readonly<Record<string, JsonValue>> = { string: '', int32: 0, int64: 0, double: 0, boolean: false }

/** The default of a field in version 3: what is stated, or Go's zero value where the field is no pointer and always there. */
export const fieldDefault = (path: string, { type, required, always }: FieldSchema): JsonValue | undefined => {
  if (stated.has(path)) return stated.get(path)
  if (type.kind === 'ref') return always ? {} : undefined
  return required && !pointers.has(path) ? zeros[type.kind] : undefined
}

/** Maps that server-side apply merges key by key although nothing else would say so. */
export const granularMaps = new Set(['PersistentVolumeClaimStatus.allocatedResourceStatuses'])

const union = (discriminator: string | undefined, ...members: readonly string[]): JsonValue =>
  [{ ...(discriminator && { discriminator }), 'fields-to-discriminateBy': Object.fromEntries(members.map((name) => [name, name.charAt(0).toUpperCase() + name.slice(1)])) }]
/** Types of which one field at most is meant. */
export const unions: Readonly<Record<string, JsonValue>> = {
  AppArmorProfile: union('type', 'localhostProfile'), SeccompProfile: union('type', 'localhostProfile'), PodSchedulingGroup: union(undefined, 'podGroupName'), LimitResponse: union('type', 'queuing'),
  PriorityLevelConfigurationSpec: union('type', 'exempt', 'limited'), FlowcontrolSubject: union('kind', 'group', 'serviceAccount', 'user'),
}
