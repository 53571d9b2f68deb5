/** DeviceClasses. Mirrors upstream's `pkg/registry/resource/deviceclass/strategy.go` and ValidateDeviceClass. */
import { semanticEqual } from '../../../api/equal.ts'
import { DeviceClasses } from '../../../api/kinds.ts'
import { isQualifiedName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { DeviceClass } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'
import { checkConfiguration, checkList, checkSelectors } from './device-checks.ts'

const maxConfigs = 32

const isExtendedResource = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0

/** What has not changed since it was accepted is not judged anew. */
const check = ({ spec }: DeviceClass, old?: DeviceClass): FieldError[] => [
  ...checkSelectors('spec.selectors', spec.selectors, { stored: old !== undefined && semanticEqual(spec.selectors, old.spec.selectors) }),
  ...checkList('spec.config', { items: spec.config, max: maxConfigs }, (config, at) => checkConfiguration(at, config, { stored: old !== undefined && semanticEqual(spec.config, old.spec.config) })),
  ...(spec.extendedResourceName !== undefined && !isExtendedResource(spec.extendedResourceName) ? [fieldError.invalid('spec.extendedResourceName', spec.extendedResourceName, 'must be a valid extended resource name')] : []),
]

export const deviceClassStrategy: Strategy<DeviceClass> = {
  kind: DeviceClasses,
  returnsDeletedObject: true,
  validate: (deviceClass) => check(deviceClass),
  validateUpdate: check,
  generationOf: ({ spec }) => spec,
  columns: [nameColumn, ageColumn],
}
