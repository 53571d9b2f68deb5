/** IPAddresses: who holds an address of a Service range. Mirrors upstream's `pkg/registry/networking/ipaddress/strategy.go` and ValidateIPAddress. */
import { IPAddresses } from '../../../api/kinds.ts'
import { isDns1123Subdomain, isPathSegmentName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { IPAddress, ParentReference } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkImmutable, invalids } from '../field-checks.ts'
import { checkCanonicalIP } from '../ip-address.ts'
import type { Strategy } from '../strategy.ts'

const path = 'spec.parentRef'

const checkParent = (parent: ParentReference | undefined): FieldError[] => {
  if (!parent) return [fieldError.required(path)]
  const { group = '', resource = '', name = '', namespace = '' } = parent
  return [
    ...(group ? invalids(`${path}.group`, group, isDns1123Subdomain(group)) : []),
    ...(resource ? invalids(`${path}.resource`, resource, isPathSegmentName(resource)) : [fieldError.required(`${path}.resource`)]),
    ...(name ? invalids(`${path}.name`, name, isPathSegmentName(name)) : [fieldError.required(`${path}.name`)]),
    ...(namespace ? invalids(`${path}.namespace`, namespace, isPathSegmentName(namespace)) : []),
  ]
}

const parentText = ({ spec: { parentRef } }: IPAddress): string => {
  if (!parentRef) return '<none>'
  const { group = '', resource = '', namespace = '', name = '' } = parentRef
  return [(group ? `${resource}.${group}` : resource).toLowerCase(), namespace, name].filter((part) => part !== '').join('/')
}

/** What is wrong with the text of an address, without the path and the value, which the generic check of names adds. */
const nameErrors = (name: string): string[] => checkCanonicalIP('', name).map(({ message }) => message.slice(`Invalid value: ${JSON.stringify(name)}: `.length))

export const ipAddressStrategy: Strategy<IPAddress> = {
  kind: IPAddresses,
  validateName: nameErrors,
  validate: ({ spec }) => checkParent(spec.parentRef),
  validateUpdate: (next, old) => checkImmutable(path, next.spec.parentRef, old.spec.parentRef),
  columns: [
    nameColumn,
    { name: 'ParentRef', type: 'string', description: 'The object that holds the address.', value: parentText },
    ageColumn,
  ],
}
