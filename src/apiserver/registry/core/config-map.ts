/** ConfigMaps. Mirrors ValidateConfigMap and ValidateConfigMapUpdate of upstream's core validation. */
import { ConfigMaps } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ConfigMap } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'
import { base64Bytes, checkKept, checkKeys, maxDataBytes } from './data-map.ts'

const check = ({ data = {}, binaryData = {} }: ConfigMap): FieldError[] => {
  const bytes = base64Bytes(binaryData) + Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(value), 0)
  return [
    ...checkKeys('data', data),
    ...Object.keys(data).filter((key) => Object.hasOwn(binaryData, key)).map((key) => fieldError.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...checkKeys('binaryData', binaryData),
    ...(bytes > maxDataBytes ? [fieldError.tooLong('[]', maxDataBytes)] : []),
  ]
}

export const configMapStrategy: Strategy<ConfigMap> = {
  kind: ConfigMaps,
  validate: check,
  validateUpdate: (next, old) => [...checkKept(next, old, ['data', 'binaryData']), ...check(next)],
  columns: [
    nameColumn,
    { name: 'Data', type: 'string', description: 'How many keys the configuration has.', value: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length },
    ageColumn,
  ],
}
