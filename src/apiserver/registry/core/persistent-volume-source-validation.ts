/** Where a PersistentVolume lies. Mirrors the checks of volume sources of upstream's `pkg/apis/core/validation`. */
import { isDns1123Label, rangeError } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { AzureDiskVolumeSource, CSIPersistentVolumeSource, ISCSIPersistentVolumeSource, PersistentVolumeSpec, SecretReference } from '../../../api/types.ts'
import { checkDnsLabel, checkDnsSubdomain, checkOptionalOneOf, invalids } from '../field-checks.ts'
import { checkDriverName } from '../storage/parameters-validation.ts'
import { checkHostPath } from './host-path-validation.ts'
import { checkNoBacksteps } from './volume-paths.ts'

/** Required for each of the fields that is empty. */
export const checkGiven = (path: string, source: object, fields: readonly string[]): FieldError[] => fields.flatMap((field) => {
  const value = (source as Readonly<Record<string, unknown>>)[field]
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0) ? [fieldError.required(`${path}.${field}`)] : []
})

const checkSecretReference = (path: string, reference: SecretReference | undefined): FieldError[] => (reference ? [
  ...(reference.name ? checkDnsSubdomain(`${path}.name`, reference.name) : [fieldError.required(`${path}.name`)]),
  ...(reference.namespace ? checkDnsLabel(`${path}.namespace`, reference.namespace) : [fieldError.required(`${path}.namespace`)]),
] : [])

const checkSecretGiven = (path: string, reference: object | undefined): FieldError[] => (reference ? checkGiven(`${path}.secretRef`, reference, ['name', 'namespace']) : [])

const checkPartition = (path: string, partition: number | undefined): FieldError[] =>
  (partition !== undefined && (partition < 0 || partition > 255) ? [fieldError.invalid(`${path}.partition`, partition, rangeError(0, 255))] : [])

const checkAzureDisk = (path: string, disk: AzureDiskVolumeSource): FieldError[] => {
  const { kind, diskURI = '' } = disk
  const form = kind === 'Managed' ? '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}' : 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'
  return [
    ...checkGiven(path, disk, ['diskName', 'diskURI']),
    ...checkOptionalOneOf(`${path}.cachingMode`, disk.cachingMode, ['None', 'ReadOnly', 'ReadWrite']),
    ...checkOptionalOneOf(`${path}.kind`, kind, ['Dedicated', 'Managed', 'Shared']),
    ...(kind !== undefined && !diskURI.startsWith(kind === 'Managed' ? '/subscriptions/' : 'https://') ? [fieldError.notSupported(`${path}.diskURI`, diskURI, [form])] : []),
  ]
}

const qualifiedNames = [/^iqn\.\d{4}-\d{2}\.([a-z0-9-.]+)(:[^,;*&$|\s]+)?$/, /^eui\.[0-9a-fA-F]{16}$/, /^naa\.[0-9a-fA-F]{32}$/]

const checkIscsiName = (path: string, name: string, required: boolean): FieldError[] => {
  if (name === '') return required ? [fieldError.required(path)] : []
  return qualifiedNames.some((pattern) => pattern.test(name)) ? [] : [fieldError.invalid(path, name, 'must be valid format')]
}

const checkIscsi = (path: string, source: ISCSIPersistentVolumeSource): FieldError[] => {
  const authenticates = source.chapAuthDiscovery || source.chapAuthSession
  return [
    ...checkGiven(path, source, ['targetPortal']),
    ...checkIscsiName(`${path}.iqn`, source.iqn ?? '', true),
    ...((source.lun ?? 0) < 0 || (source.lun ?? 0) > 255 ? [fieldError.invalid(`${path}.lun`, source.lun, rangeError(0, 255))] : []),
    ...(authenticates && !source.secretRef ? [fieldError.required(`${path}.secretRef`)] : []),
    ...(source.secretRef && !source.secretRef.name ? [fieldError.required(`${path}.secretRef.name`)] : []),
    ...checkIscsiName(`${path}.initiatorname`, source.initiatorName ?? '', false),
  ]
}

const secretReferences = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const

const checkCsi = (path: string, source: CSIPersistentVolumeSource): FieldError[] => [
  ...checkDriverName(`${path}.driver`, source.driver ?? ''),
  ...checkGiven(path, source, ['volumeHandle']),
  ...secretReferences.flatMap((field) => checkSecretReference(`${path}.${field}`, source[field])),
]

const reservedOption = (key: string): boolean => /\.(kubernetes|k8s)\.io$/.test(`.${(key.includes('/') ? key.slice(0, key.indexOf('/')) : key).toLowerCase()}`)

export type PersistentSource = Exclude<{ [K in keyof PersistentVolumeSpec]-?: NonNullable<PersistentVolumeSpec[K]> extends readonly unknown[] | string ? never : K }[keyof PersistentVolumeSpec], 'capacity' | 'claimRef' | 'nodeAffinity'>
type Checks = { [K in PersistentSource]: (path: string, source: NonNullable<PersistentVolumeSpec[K]>) => FieldError[] }

/** In upstream's order: of several only the first is looked at. */
const checks: Checks = {
  hostPath: checkHostPath,
  gcePersistentDisk: (path, source) => [...checkGiven(path.replace(/[^.]*$/, 'persistentDisk'), source, ['pdName']), ...checkPartition(path.replace(/[^.]*$/, 'persistentDisk'), source.partition)],
  awsElasticBlockStore: (path, source) => [...checkGiven(path, source, ['volumeID']), ...checkPartition(path, source.partition)],
  glusterfs: (path, source) => [
    ...checkGiven(path, source, ['endpoints', 'path']),
    ...(source.endpointsNamespace === undefined ? [] : source.endpointsNamespace === '' ? [fieldError.invalid(`${path}.endpointsNamespace`, '', 'if the endpointnamespace is set, it must be a valid namespace name')]
      : invalids(`${path}.endpointsNamespace`, source.endpointsNamespace, isDns1123Label(source.endpointsNamespace))),
  ],
  flocker: (path, { datasetName = '', datasetUUID = '' }) => [
    ...(!datasetName && !datasetUUID ? [fieldError.required(path, 'one of datasetName and datasetUUID is required')] : []),
    ...(datasetName && datasetUUID ? [fieldError.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')] : []),
    ...(datasetName.includes('/') ? [fieldError.invalid(`${path}.datasetName`, datasetName, "must not contain '/'")] : []),
  ],
  nfs: (path, source) => [...checkGiven(path, source, ['server', 'path']), ...((source.path ?? '').startsWith('/') ? [] : [fieldError.invalid(`${path}.path`, source.path ?? '', 'must be an absolute path')])],
  rbd: (path, source) => checkGiven(path, source, ['monitors', 'image']),
  quobyte: (path, { registry = '', volume = '' }) => {
    const pairs = 'must be a host:port pair or multiple pairs separated by commas'
    const wrong = registry.split(',').filter((pair) => !/^(\[[^\]]*\]|[^:[\]]*):[^:]*$/.test(pair))
    return [...(registry ? wrong.map(() => fieldError.invalid(`${path}.registry`, registry, pairs)) : [fieldError.required(`${path}.registry`, pairs)]), ...(volume ? [] : [fieldError.required(`${path}.volume`)])]
  },
  cephfs: (path, source) => checkGiven(path, source, ['monitors']),
  iscsi: checkIscsi,
  cinder: (path, source) => [...checkGiven(path, source, ['volumeID']), ...checkSecretGiven(path, source.secretRef)],
  fc: (path, { targetWWNs = [], lun, wwids = [] }) => {
    const [byName, byId] = [targetWWNs.length > 0 && lun !== undefined, wwids.length > 0]
    return [
      ...(targetWWNs.length === 0 && !byId ? [fieldError.required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both')] : []),
      ...(targetWWNs.length > 0 && byId ? [fieldError.invalid(`${path}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously')] : []),
      ...(targetWWNs.length > 0 && !byName ? [fieldError.required(`${path}.lun`, 'lun is required if targetWWNs is specified')] : []),
      ...(targetWWNs.length > 0 && lun !== undefined && (lun < 0 || lun > 255) ? [fieldError.invalid(`${path}.lun`, lun, rangeError(0, 255))] : []),
    ]
  },
  flexVolume: (path, source) => [
    ...checkGiven(path, source, ['driver']),
    ...Object.keys(source.options ?? {}).filter(reservedOption).map((key) => fieldError.invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved')),
  ],
  azureFile: (path, source) => [...checkGiven(path, source, ['secretName', 'shareName']), ...(source.secretNamespace === '' ? [fieldError.required(`${path}.secretNamespace`)] : [])],
  vsphereVolume: (path, source) => checkGiven(path, source, ['volumePath']),
  photonPersistentDisk: (path, source) => checkGiven(path, source, ['pdID']),
  portworxVolume: (path, source) => checkGiven(path, source, ['volumeID']),
  azureDisk: checkAzureDisk,
  scaleIO: (path, source) => checkGiven(path, source, ['gateway', 'system', 'volumeName']),
  local: (path, source) => (source.path ? checkNoBacksteps(`${path}.path`, source.path) : [fieldError.required(`${path}.path`)]),
  storageos: (path, source) => [
    ...(source.volumeName ? checkDnsLabel(`${path}.volumeName`, source.volumeName) : [fieldError.required(`${path}.volumeName`)]),
    ...(source.volumeNamespace ? checkDnsLabel(`${path}.volumeNamespace`, source.volumeNamespace) : []),
    ...checkSecretGiven(path, source.secretRef),
  ],
  csi: checkCsi,
}

const types = Object.keys(checks) as PersistentSource[]

/** The sources that a volume names. */
export const sourcesOf = (spec: PersistentVolumeSpec): readonly PersistentSource[] => types.filter((type) => spec[type] !== undefined)

const checkOne = <K extends PersistentSource>(type: K, path: string, source: PersistentVolumeSpec[K]): FieldError[] => (source ? checks[type](path, source) : [])

/** Of one source: of a PersistentVolume, or of a pod's volume where that has the same fields. */
export const checkPersistentSource = (type: PersistentSource, path: string, spec: PersistentVolumeSpec): FieldError[] => checkOne(type, path, spec[type])

export const checkVolumeSource = (path: string, spec: PersistentVolumeSpec): FieldError[] => {
  const given = sourcesOf(spec)
  if (given.length === 0) return [fieldError.required(path, 'must specify a volume type')]
  return given.flatMap((type, index) => (index > 0 ? [fieldError.forbidden(`${path}.${type}`, 'may not specify more than 1 volume type')] : [
    ...checkOne(type, `${path}.${type}`, spec[type]),
    ...(type === 'local' && !spec.nodeAffinity ? [fieldError.required(`${path}.nodeAffinity`, 'Local volume requires node affinity')] : []),
  ]))
}
