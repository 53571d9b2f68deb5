/** Which requests a webhook or a policy is asked about. Mirrors validateRuleWithOperations of upstream's `pkg/apis/admissionregistration/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { RuleWithOperations } from '../../../api/types.ts'
import { checkEach, checkOptionalOneOf } from '../field-checks.ts'

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const scopes = ['*', 'Cluster', 'Namespaced']

const hasWildcardAmongOthers = (list: readonly string[]): boolean => list.length > 1 && list.includes('*')

/** What of a list of resources the others of it make superfluous. */
const checkResources = (path: string, resources: readonly string[]): FieldError[] => {
  const [allOf, everywhere] = [new Set<string>(), new Set<string>()]
  const each = resources.flatMap((resource, index) => {
    const at = `${path}[${index}]`
    if (resource === '') return [fieldError.required(at)]
    const slash = resource.indexOf('/')
    if (slash < 0) return []
    const [name, subresource] = [resource.slice(0, slash), resource.slice(slash + 1)]
    const errors = [
      ...(allOf.has(name) ? [fieldError.invalid(at, resource, `if '${name}/*' is present, must not specify ${resource}`)] : []),
      ...(everywhere.has(subresource) ? [fieldError.invalid(at, resource, `if '*/${subresource}' is present, must not specify ${resource}`)] : []),
    ]
    if (subresource === '*') allOf.add(name)
    if (name === '*') everywhere.add(subresource)
    return errors
  })
  // As upstream, only the last resource without a subresource counts here.
  const plain = resources.filter((resource) => resource !== '' && !resource.includes('/')).at(-1)
  return [
    ...(resources.length === 0 ? [fieldError.required(path)] : []), ...each,
    ...(resources.length > 1 && resources.includes('*/*') ? [fieldError.invalid(path, resources, "if '*/*' is present, must not specify other resources")] : []),
    ...(resources.includes('*') && plain !== undefined && plain !== '*' ? [fieldError.invalid(path, resources, "if '*' is present, must not specify other resources without subresources")] : []),
  ]
}

export const checkRule = (path: string, { operations: asked = [], apiGroups = [], apiVersions = [], resources = [], scope }: RuleWithOperations): FieldError[] => [
  ...(asked.length === 0 ? [fieldError.required(`${path}.operations`)] : []),
  ...(hasWildcardAmongOthers(asked) ? [fieldError.invalid(`${path}.operations`, asked, "if '*' is present, must not specify other operations")] : []),
  ...checkEach(`${path}.operations`, asked, (operation, at) => checkOptionalOneOf(at, operation, operations)),
  ...(apiGroups.length === 0 ? [fieldError.required(`${path}.apiGroups`)] : []),
  ...(hasWildcardAmongOthers(apiGroups) ? [fieldError.invalid(`${path}.apiGroups`, apiGroups, "if '*' is present, must not specify other API groups")] : []),
  ...(apiVersions.length === 0 ? [fieldError.required(`${path}.apiVersions`)] : []),
  ...(hasWildcardAmongOthers(apiVersions) ? [fieldError.invalid(`${path}.apiVersions`, apiVersions, "if '*' is present, must not specify other API versions")] : []),
  ...checkEach(`${path}.apiVersions`, apiVersions, (version, at) => (version === '' ? [fieldError.required(at)] : [])),
  ...checkResources(`${path}.resources`, resources),
  ...checkOptionalOneOf(`${path}.scope`, scope, scopes),
]
