/** ResourceClaims. Mirrors upstream's `pkg/registry/resource/resourceclaim/strategy.go`, its defaults and ValidateResourceClaim. */
import { Namespaces, ResourceClaims } from '../../../api/kinds.ts'
import type { ResourceResourceClaim } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkImmutable } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy, StrategyContext } from '../strategy.ts'
import { checkAdminAccess, checkDeviceClaim } from './device-claim-validation.ts'
import { setDeviceClaimDefaults, setTolerationDefaults } from './device-defaults.ts'
import { checkResourceClaimStatus } from './resource-claim-status-validation.ts'

/** Whether the namespace's administrator lets claims reach devices that are in use. */
export const allowsAdminAccess = ({ lookup, namespace }: StrategyContext): boolean => lookup.get(Namespaces, namespace)?.metadata.labels?.['resource.kubernetes.io/admin-access'] === 'true'

const state = ({ metadata, status }: ResourceResourceClaim): string => {
  const deleted = metadata.deletionTimestamp !== undefined
  if (!status?.allocation) return deleted ? 'deleted' : 'pending'
  return [...(deleted ? ['deleted'] : []), 'allocated', ...((status.reservedFor ?? []).length > 0 ? ['reserved'] : [])].join(',')
}

export const resourceClaimStrategy: Strategy<ResourceResourceClaim> = {
  kind: ResourceClaims,
  returnsDeletedObject: true,
  setDefaults({ spec, status }) {
    setDeviceClaimDefaults(spec.devices ?? {})
    for (const result of status?.allocation?.devices?.results ?? []) setTolerationDefaults(result.tolerations)
  },
  prepareForCreate(claim) { claim.status = {} },
  validate: ({ spec }, context) => [...checkDeviceClaim('spec.devices', spec.devices ?? {}), ...checkAdminAccess('spec.devices', spec.devices ?? {}, allowsAdminAccess(context))],
  validateUpdate: (next, old) => checkImmutable('spec', next.spec, old.spec),
  subresources: { status: statusSubresource({ keepMetadata: true, validate: checkResourceClaimStatus }) },
  columns: [nameColumn, { name: 'State', type: 'string', description: 'Whether devices have been found, and whether anybody uses them.', value: state }, ageColumn],
}
