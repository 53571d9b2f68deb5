/** Every resource that the server can list, by discovery: kinds that came after us need no code. */
import { type Kind, kind, type Verb } from '../../src/api/kinds.ts'
import type { Client } from '../../src/client/client.ts'
import { text } from '../../src/client/watch.ts'

interface Discovered {
  metadata: { name?: string }
  versions?: { version: string; resources?: { resource: string; responseKind?: { kind?: string }; scope?: string; singularResource?: string; verbs?: string[]; shortNames?: string[]; categories?: string[] }[] }[]
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

const kindsOf = ({ metadata: { name: group = '' }, versions = [] }: Discovered): Kind[] => {
  const seen = new Set<string>()
  return versions.flatMap(({ version, resources = [] }) => resources.flatMap((resource) => {
    // Versions stand in the server's order of preference: of a resource in several, the first counts.
    if (!resource.verbs?.includes('list') || seen.has(resource.resource)) return []
    seen.add(resource.resource)
    const name = resource.responseKind?.kind ?? resource.resource
    return [kind({
      group, version, kind: name, plural: resource.resource, singular: resource.singularResource || name.toLowerCase(), shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [], namespaced: resource.scope === 'Namespaced', verbs: resource.verbs as Verb[],
    })]
  }))
}

const groupsAt = async (client: Client, path: string, signal: AbortSignal): Promise<Kind[]> => {
  const response = await client.raw({ method: 'GET', path, headers: { accept } }, signal)
  const body = await text(response.body)
  return response.status === 200 ? ((JSON.parse(body) as { items?: Discovered[] }).items ?? []).flatMap(kindsOf) : []
}

/** Core first. Empty when the server has no aggregated discovery (before 1.26). */
export const discover = async (client: Client, signal: AbortSignal): Promise<Kind[]> => (await Promise.all(['/api', '/apis'].map((path) => groupsAt(client, path, signal)))).flat()

/** The kind a user means: plural, singular, short name, kind, or `plural.group`; core and built-in groups stand first. */
export const findKind = (kinds: readonly Kind[], word: string): Kind | undefined => {
  const asked = aliases[word.toLowerCase()] ?? word.toLowerCase()
  return kinds.find(({ plural, singular, shortNames, kind: name, group }) =>
    plural === asked || singular === asked || name.toLowerCase() === asked || shortNames.includes(asked) || `${plural}.${group}` === asked)
}

/** k9s' own short words, where the server has none. */
const aliases: Readonly<Record<string, string>> = Object.assign(Object.create(null) as object, {
  dp: 'deployments', sec: 'secrets', jo: 'jobs', cr: 'clusterroles', crb: 'clusterrolebindings', ro: 'roles', rb: 'rolebindings', np: 'networkpolicies', eps: 'endpointslices',
})
