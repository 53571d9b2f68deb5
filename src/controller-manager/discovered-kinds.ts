/** Every kind that the API server serves, whoever defined it: for controllers that concern all objects. Mirrors client-go discovery.ServerPreferredResources. */
import { kind, type Kind, type Verb } from '../api/kinds.ts'
import type { JsonObject, JsonValue } from '../api/meta.ts'
import type { Client } from '../client/client.ts'

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const objectsIn = (value: JsonValue | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
const textOf = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const verbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** One resource of a group's version as a `Kind`; `schema` is empty, since only upstream's kinds have one here. */
const kindOf = (group: string, version: string, resource: JsonObject): Kind => kind({
  group, version, kind: isObject(resource['responseKind']) ? textOf(resource['responseKind']['kind']) : '', plural: textOf(resource['resource']),
  namespaced: resource['scope'] === 'Namespaced', verbs: verbs.filter((verb) => Array.isArray(resource['verbs']) && resource['verbs'].includes(verb)), schema: '',
})

/** Each resource once per group, in the version that the group prefers (the first that has it). */
const kindsIn = (document: JsonValue): Kind[] => objectsIn(isObject(document) ? document['items'] : undefined).flatMap((group) => {
  const name = textOf(isObject(group['metadata']) ? group['metadata']['name'] : '')
  const seen = new Map<string, Kind>()
  for (const version of objectsIn(group['versions'])) {
    for (const resource of objectsIn(version['resources'])) {
      const plural = textOf(resource['resource'])
      if (!seen.has(plural)) seen.set(plural, kindOf(name, textOf(version['version']), resource))
    }
  }
  return [...seen.values()]
})

const read = async (client: Client, path: string, signal: AbortSignal): Promise<JsonValue> => {
  const response = await client.raw({ method: 'GET', path, headers: { accept: aggregated } }, signal)
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  if (response.status !== 200) throw new Error(`discovery: GET ${path} answered ${response.status}: ${text.slice(0, 200)}`)
  return JSON.parse(text) as JsonValue
}

/** Those that can be listed, watched and deleted. Rejects when the server does not answer discovery: nobody may take a kind for gone that was only not told. */
export const discoverKinds = async (client: Client, signal: AbortSignal): Promise<Kind[]> => {
  const documents = await Promise.all([read(client, '/api', signal), read(client, '/apis', signal)])
  return documents.flatMap(kindsIn).filter(({ verbs: can, kind: name }) => name !== '' && (['list', 'watch', 'delete'] as const).every((verb) => can.includes(verb)))
}
