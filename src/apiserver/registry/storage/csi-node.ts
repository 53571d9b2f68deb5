/** CSINodes. Mirrors upstream's `pkg/registry/storage/csinode/strategy.go` and ValidateCSINode. */
import { CSINodes } from '../../../api/kinds.ts'
import { semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CSINode, CSINodeDriver } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach, checkNonNegative, checkQualifiedName, immutableMessage } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'
import { checkDriverName } from './parameters-validation.ts'

const maxNodeIdBytes = 256

const checkTopologyKeys = (path: string, keys: readonly string[] | undefined): FieldError[] => {
  const seen = new Set<string>()
  return (keys ?? []).flatMap((key) => {
    const twice = seen.has(key)
    seen.add(key)
    return [...(key ? [] : [fieldError.required(path)]), ...(twice ? [fieldError.duplicate(path, key)] : []), ...checkQualifiedName(path, key)]
  })
}

const checkDrivers = (drivers: readonly CSINodeDriver[] | undefined): FieldError[] => {
  const names = new Set<string>()
  return checkEach('spec.drivers', drivers, ({ name = '', nodeID = '', allocatable, topologyKeys }, at) => {
    const twice = names.has(name)
    names.add(name)
    return [
      ...checkDriverName(`${at}.name`, name),
      ...(nodeID ? [] : [fieldError.required(`${at}.nodeID`)]),
      ...(Buffer.byteLength(nodeID) > maxNodeIdBytes ? [fieldError.invalid(`${at}.nodeID`, nodeID, `must be ${maxNodeIdBytes} characters or less`)] : []),
      ...checkNonNegative(`${at}.allocatable.count`, allocatable?.count),
      ...(twice ? [fieldError.duplicate(`${at}.name`, name)] : []),
      ...checkTopologyKeys(at, topologyKeys),
    ]
  })
}

/** How many volumes a node takes may change; everything else of a driver stays while it is there. */
const lasting = ({ allocatable: _allocatable, ...driver }: CSINodeDriver): object => driver

const checkUpdate = (next: CSINode, old: CSINode): FieldError[] => [
  ...checkDrivers(next.spec.drivers),
  ...(old.spec.drivers ?? []).flatMap((before) => (next.spec.drivers ?? []).filter(({ name }) => name === before.name)
    .flatMap((now) => (semanticEqual(lasting(now), lasting(before)) ? [] : [fieldError.invalid('spec.drivers', lasting(now), immutableMessage)]))),
]

export const csiNodeStrategy: Strategy<CSINode> = {
  kind: CSINodes,
  unconditionalUpdate: false,
  returnsDeletedObject: true,
  validate: ({ spec }) => checkDrivers(spec.drivers),
  validateUpdate: checkUpdate,
  columns: [nameColumn, { name: 'Drivers', type: 'integer', description: 'How many drivers the node has.', value: ({ spec }) => (spec.drivers ?? []).length }, ageColumn],
}
