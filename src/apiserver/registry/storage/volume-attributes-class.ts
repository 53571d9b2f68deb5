/** VolumeAttributesClasses. Mirrors upstream's `pkg/registry/storage/volumeattributesclass/strategy.go` and ValidateVolumeAttributesClass. */
import { deepEqual } from '../../../api/equal.ts'
import { VolumeAttributesClasses } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { VolumeAttributesClass } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'
import { checkParameters, checkProvisioner } from './parameters-validation.ts'

const check = ({ driverName, parameters }: VolumeAttributesClass): FieldError[] => [...checkProvisioner('driverName', driverName ?? ''), ...checkParameters('parameters', parameters, { mayBeEmpty: false })]

export const volumeAttributesClassStrategy: Strategy<VolumeAttributesClass> = {
  kind: VolumeAttributesClasses,
  returnsDeletedObject: true,
  validate: check,
  validateUpdate: (next, old) => [
    ...(['driverName', 'parameters'] as const).filter((field) => !deepEqual(next[field] ?? {}, old[field] ?? {})).map((field) => fieldError.forbidden(field, `updates to ${field} are forbidden.`)),
    ...check(next),
  ],
  columns: [nameColumn, { name: 'DriverName', type: 'string', description: 'The driver that knows these attributes.', value: ({ driverName }) => driverName ?? '' }, ageColumn],
}
