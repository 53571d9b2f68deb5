/** Volumes of pods. Mirrors ValidateVolumes of upstream's core validation: all types, whether or not a node of this cluster can mount them. */
import { compareQuantities, isValidQuantity } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CSIVolumeSource, EmptyDirVolumeSource, EphemeralVolumeSource, Volume } from '../../../api/types.ts'
import { checkDnsLabel, checkDnsSubdomain, checkEach, checkOneOf } from '../field-checks.ts'
import { checkAnnotations, checkLabels } from '../label-checks.ts'
import { checkDriverName } from '../storage/parameters-validation.ts'
import { checkHostPath } from './host-path-validation.ts'
import { checkInlineSource } from './inline-volume-validation.ts'
import { checkClaimSpec } from './persistent-volume-claim-validation.ts'
import { checkProjectedVolume } from './projected-volume-validation.ts'
import { checkDownwardFile, checkKeyToPath } from './volume-file-validation.ts'
import { checkFileMode } from './volume-paths.ts'

const checkSizeLimit = (path: string, { sizeLimit }: EmptyDirVolumeSource): FieldError[] =>
  (sizeLimit !== undefined && (!isValidQuantity(sizeLimit) || compareQuantities(sizeLimit, '0') < 0) ? [fieldError.forbidden(path, 'SizeLimit field must be a valid resource quantity')] : [])

const checkCsi = (path: string, { driver, nodePublishSecretRef }: CSIVolumeSource): FieldError[] => [
  ...checkDriverName(`${path}.driver`, driver ?? ''),
  ...(nodePublishSecretRef ? nodePublishSecretRef.name ? checkDnsSubdomain(`${path}.name`, nodePublishSecretRef.name) : [fieldError.required(`${path}.nodePublishSecretRef.name`)] : []),
]

/** The claim gets its name and owner from its pod: a template may say nothing of these. */
const checkEphemeral = (path: string, { volumeClaimTemplate }: EphemeralVolumeSource): FieldError[] => {
  if (!volumeClaimTemplate) return [fieldError.required(`${path}.volumeClaimTemplate`)]
  const { metadata = {}, spec } = volumeClaimTemplate
  const isSet = (value: unknown): boolean => value !== undefined && value !== '' && value !== 0 && !(Array.isArray(value) && value.length === 0)
  const others = Object.entries(metadata).filter(([field, value]) => field !== 'annotations' && field !== 'labels' && isSet(value)).map(([field]) => field)
  return [
    ...checkAnnotations(`${path}.volumeClaimTemplate.metadata.annotations`, metadata.annotations),
    ...checkLabels(`${path}.volumeClaimTemplate.metadata.labels`, metadata.labels),
    ...others.map((field) => fieldError.forbidden(`${path}.volumeClaimTemplate.metadata.${field}`, 'cannot be set for an ephemeral volume')),
    ...checkClaimSpec(`${path}.volumeClaimTemplate.spec`, spec ?? {}),
  ]
}

type Check = (path: string, volume: Volume) => FieldError[]

// In the order in which upstream looks at them: the first one that is given counts.
const checks: Record<Exclude<keyof Volume, 'name'>, Check> = {
  emptyDir: (path, { emptyDir }) => (emptyDir ? checkSizeLimit(`${path}.sizeLimit`, emptyDir) : []),
  hostPath: (path, { hostPath }) => (hostPath ? checkHostPath(path, hostPath) : []),
  gitRepo: checkInlineSource('gitRepo'),
  gcePersistentDisk: checkInlineSource('gcePersistentDisk'),
  awsElasticBlockStore: checkInlineSource('awsElasticBlockStore'),
  secret: (path, { secret }) => [
    ...(secret?.secretName ? [] : [fieldError.required(`${path}.secretName`)]),
    ...checkFileMode(`${path}.defaultMode`, secret?.defaultMode),
    ...checkEach(`${path}.items`, secret?.items, (item, at) => checkKeyToPath(at, item)),
  ],
  nfs: checkInlineSource('nfs'),
  iscsi: checkInlineSource('iscsi'),
  glusterfs: checkInlineSource('glusterfs'),
  persistentVolumeClaim: (path, { persistentVolumeClaim }) => (persistentVolumeClaim?.claimName ? [] : [fieldError.required(`${path}.claimName`)]),
  rbd: checkInlineSource('rbd'),
  cinder: checkInlineSource('cinder'),
  cephfs: checkInlineSource('cephfs'),
  flocker: checkInlineSource('flocker'),
  downwardAPI: (path, { downwardAPI }) => [
    ...checkFileMode(`${path}.defaultMode`, downwardAPI?.defaultMode),
    ...(downwardAPI?.items ?? []).flatMap((file) => checkDownwardFile(path, file)),
  ],
  fc: checkInlineSource('fc'),
  flexVolume: checkInlineSource('flexVolume'),
  configMap: (path, { configMap }) => [
    ...(configMap?.name ? [] : [fieldError.required(`${path}.name`)]),
    ...checkFileMode(`${path}.defaultMode`, configMap?.defaultMode),
    ...checkEach(`${path}.items`, configMap?.items, (item, at) => checkKeyToPath(at, item)),
  ],
  azureFile: checkInlineSource('azureFile'),
  vsphereVolume: checkInlineSource('vsphereVolume'),
  quobyte: checkInlineSource('quobyte'),
  azureDisk: checkInlineSource('azureDisk'),
  photonPersistentDisk: checkInlineSource('photonPersistentDisk'),
  portworxVolume: checkInlineSource('portworxVolume'),
  storageos: checkInlineSource('storageos'),
  projected: (path, { projected }) => (projected ? checkProjectedVolume(path, projected) : []),
  scaleIO: checkInlineSource('scaleIO'),
  csi: (path, { csi }) => (csi ? checkCsi(path, csi) : []),
  ephemeral: (path, { ephemeral }) => (ephemeral ? checkEphemeral(path, ephemeral) : []),
  image: (path, { image }) => [
    ...(image?.reference ? [] : [fieldError.required(`${path}.reference`)]),
    ...checkOneOf(`${path}.pullPolicy`, image?.pullPolicy, ['Always', 'IfNotPresent', 'Never']),
  ],
}

const types = Object.keys(checks) as (keyof typeof checks)[]

const checkSource: Check = (path, volume) => {
  const given = types.filter((type) => volume[type] !== undefined)
  if (given.length === 0) return [fieldError.required(path, 'must specify a volume type')]
  return given.flatMap((type, index) => (index > 0 ? [fieldError.forbidden(`${path}.${type}`, 'may not specify more than 1 volume type')] : checks[type](`${path}.${type}`, volume)))
}

/** The volumes that are right, by name (mounts may refer only to these), and what is wrong with the others. */
export const checkVolumes = (path: string, volumes: readonly Volume[] | undefined): { errors: FieldError[]; names: ReadonlySet<string> } => {
  const names = new Set<string>()
  const errors = checkEach(path, volumes, (volume, at) => {
    const found = [
      ...checkSource(at, volume),
      ...(volume.name ? checkDnsLabel(`${at}.name`, volume.name) : [fieldError.required(`${at}.name`)]),
      ...(names.has(volume.name) ? [fieldError.duplicate(`${at}.name`, volume.name)] : []),
    ]
    if (found.length === 0) names.add(volume.name)
    return found
  })
  return { errors, names }
}
