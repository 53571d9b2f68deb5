/** A server's APIResourceList as aggregated discovery shows it. Mirrors ConvertAPIResourceListToDiscovery of apiserver's `pkg/endpoints/discovery/aggregated`. Pure. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import type { DiscoveredResource } from './aggregated-discovery.ts'

const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')
const textsOf = (value: JsonValue | undefined): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [])
const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

interface GroupVersion { group: string; version: string }

const kindOf = (resource: JsonObject, { group, version }: GroupVersion): DiscoveredResource['responseKind'] =>
  ({ group: textOf(resource['group']) || group, version: textOf(resource['version']) || version, kind: textOf(resource['kind']) })

const scopeOf = (resource: JsonObject): DiscoveredResource['scope'] => (resource['namespaced'] === true ? 'Namespaced' : 'Cluster')

const discovered = (resource: JsonObject, of: GroupVersion): DiscoveredResource => {
  const [shortNames, categories] = [textsOf(resource['shortNames']), textsOf(resource['categories'])]
  return {
    resource: textOf(resource['name']), responseKind: kindOf(resource, of), scope: scopeOf(resource), singularResource: textOf(resource['singularName']), verbs: textsOf(resource['verbs']),
    ...(shortNames.length > 0 && { shortNames }), ...(categories.length > 0 && { categories }),
  }
}

/** Subresources without their resource make it known, with no verbs. */
export const discoveredResources = (list: JsonObject, of: GroupVersion): DiscoveredResource[] => {
  const resources = (Array.isArray(list['resources']) ? list['resources'] : []).filter(isObject)
  const known = new Map<string, DiscoveredResource>()
  for (const resource of resources) if (!textOf(resource['name']).includes('/')) known.set(textOf(resource['name']), discovered(resource, of))
  for (const resource of resources) {
    const name = textOf(resource['name'])
    const slash = name.indexOf('/')
    if (slash < 0) continue
    const parent = name.slice(0, slash)
    const found = known.get(parent) ?? { resource: parent, responseKind: { group: '', version: '', kind: '' }, scope: scopeOf(resource), singularResource: '', verbs: [] }
    known.set(parent, found)
    found.subresources = [...(found.subresources ?? []), { subresource: name.slice(slash + 1), ...(textOf(resource['kind']) && { responseKind: kindOf(resource, of) }), verbs: textsOf(resource['verbs']) }]
  }
  return [...known.values()]
}
