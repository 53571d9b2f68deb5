/** ResourceClaimTemplates. Mirrors upstream's `pkg/registry/resource/resourceclaimtemplate/strategy.go` and ValidateResourceClaimTemplate. */
import { ResourceClaimTemplates } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ResourceClaimTemplate } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkImmutable } from '../field-checks.ts'
import { checkAnnotations, checkLabels } from '../label-checks.ts'
import type { Strategy } from '../strategy.ts'
import { checkAdminAccess, checkDeviceClaim } from './device-claim-validation.ts'
import { setDeviceClaimDefaults } from './device-defaults.ts'
import { allowsAdminAccess } from './resource-claim.ts'

/** Of the metadata only labels and annotations reach the claims. */
const checkMetadata = ({ spec: { metadata = {} } }: ResourceClaimTemplate): FieldError[] => [
  ...checkAnnotations('spec.metadata.annotations', metadata.annotations),
  ...checkLabels('spec.metadata.labels', metadata.labels),
  ...Object.entries(metadata).filter(([field, value]) => value !== undefined && value !== '' && field !== 'annotations' && field !== 'labels').map(([field]) => fieldError.forbidden(`spec.metadata.${field}`, 'cannot be set')),
]

export const resourceClaimTemplateStrategy: Strategy<ResourceClaimTemplate> = {
  kind: ResourceClaimTemplates,
  returnsDeletedObject: true,
  setDefaults({ spec }) { setDeviceClaimDefaults(spec.spec?.devices ?? {}) },
  validate: (template, context) => {
    const devices = template.spec.spec?.devices ?? {}
    return [...checkMetadata(template), ...checkDeviceClaim('spec.spec.devices', devices), ...checkAdminAccess('spec.spec.devices', devices, allowsAdminAccess(context))]
  },
  validateUpdate: (next, old) => checkImmutable('spec', next.spec, old.spec),
  columns: [nameColumn, ageColumn],
}
