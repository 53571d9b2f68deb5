/** VolumeAttachments. Mirrors upstream's `pkg/registry/storage/volumeattachment/strategy.go` and ValidateVolumeAttachment. */
import { semanticEqual } from '../../../api/equal.ts'
import { VolumeAttachments } from '../../../api/kinds.ts'
import { rangeError } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkDnsSubdomain, immutableMessage, maxInt32 } from '../field-checks.ts'
import { setPersistentVolumeSourceDefaults } from '../core/persistent-volume-defaults.ts'
import { checkPersistentVolumeSpec } from '../core/persistent-volume-validation.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { bytesOf, checkDriverName } from './parameters-validation.ts'

const maxMetadataBytes = 256 * 1024
const maxMessageBytes = 1024
const oneOf = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

const checkSource = (path: string, { inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource): FieldError[] => {
  if (inlineVolumeSpec && persistentVolumeName !== undefined) return [fieldError.forbidden(path, oneOf)]
  if (inlineVolumeSpec) return checkPersistentVolumeSpec(`${path}.inlineVolumeSpec`, inlineVolumeSpec, { inline: true })
  if (persistentVolumeName === undefined) return [fieldError.required(path, oneOf)]
  return persistentVolumeName === '' ? [fieldError.required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName')] : []
}

const checkError = (path: string, error: VolumeError | undefined): FieldError[] => [
  // The limit is told wrongly upstream, too.
  ...(Buffer.byteLength(error?.message ?? '') > maxMessageBytes ? [fieldError.tooLong(`${path}.message`, maxMetadataBytes)] : []),
  ...((error?.errorCode ?? 0) < 0 ? [fieldError.invalid(`${path}.errorCode`, error?.errorCode, rangeError(0, maxInt32))] : []),
]

const check = ({ spec, status }: VolumeAttachment): FieldError[] => [
  ...(spec.attacher ? [] : [fieldError.required('spec.attacher')]),
  ...checkSource('spec.source', spec.source ?? {}),
  ...checkDnsSubdomain('spec.nodeName', spec.nodeName ?? ''),
  ...(bytesOf(status?.attachmentMetadata) > maxMetadataBytes ? [fieldError.tooLong('status.attachmentMetadata', maxMetadataBytes)] : []),
  ...checkError('status.attachError', status?.attachError),
  ...checkError('status.detachError', status?.detachError),
]

/** What the stable version asks of new objects besides. */
const checkNew = (attachment: VolumeAttachment): FieldError[] => {
  const volume = attachment.spec.source?.persistentVolumeName
  return [...check(attachment), ...checkDriverName('spec.attacher', attachment.spec.attacher ?? ''), ...(volume === undefined ? [] : checkDnsSubdomain('spec.source.persistentVolumeName', volume))]
}

const checkUpdate = (next: VolumeAttachment, old: VolumeAttachment): FieldError[] =>
  [...check(next), ...(semanticEqual(next.spec, old.spec) ? [] : [fieldError.invalid('spec', next.spec, immutableMessage)])]

export const volumeAttachmentStrategy: Strategy<VolumeAttachment> = {
  kind: VolumeAttachments,
  unconditionalUpdate: false,
  returnsDeletedObject: true,
  setDefaults({ spec }) { if (spec.source?.inlineVolumeSpec) setPersistentVolumeSourceDefaults(spec.source.inlineVolumeSpec) },
  prepareForCreate(attachment) { attachment.status = { attached: false } },
  validate: checkNew,
  validateUpdate: checkUpdate,
  subresources: { status: statusSubresource({ keepMetadata: true, validate: checkUpdate }) },
  columns: [
    nameColumn,
    { name: 'Attacher', type: 'string', description: 'The driver that attaches the volume.', value: ({ spec }) => spec.attacher ?? '' },
    { name: 'PV', type: 'string', description: 'The volume.', value: ({ spec }) => spec.source?.persistentVolumeName ?? '' },
    { name: 'Node', type: 'string', description: 'The node that it is attached to.', value: ({ spec }) => spec.nodeName ?? '' },
    { name: 'Attached', type: 'boolean', description: 'Whether it is attached.', value: ({ status }) => status?.attached ?? false },
    ageColumn,
  ],
}
