/** The size of anything that has a `scale` subresource, found by a reference to it. Mirrors client-go's scale client with its discovery-based mapper. */
import { kind, type Kind, storedKinds } from '../api/kinds.ts'
import { isNotFound } from '../api/status.ts'
import type { Scale } from '../api/types.ts'
import type { Client } from '../client/client.ts'
import { text } from '../client/watch.ts'

export interface ScaleTarget { apiVersion?: string | undefined; kind: string; name: string }

const splitVersion = (apiVersion: string): { group: string; version: string } => {
  const [first = '', second] = apiVersion.split('/')
  return second === undefined ? { group: '', version: first } : { group: first, version: second }
}

interface Discovered { resources?: { name: string; kind: string; namespaced?: boolean }[] }

/** Kinds that are not known beforehand are asked for in their group's discovery. */
const discovered = async (client: Client, at: { group: string; version: string }, name: string): Promise<Kind | undefined> => {
  const response = await client.raw({ method: 'GET', path: at.group ? `/apis/${at.group}/${at.version}` : `/api/${at.version}`, headers: { accept: 'application/json' } })
  const body = await text(response.body)
  if (response.status === 404) return undefined
  if (response.status !== 200) throw new Error(`discovery of ${at.group}/${at.version} answered ${response.status}: ${body.slice(0, 200)}`)
  const found = (JSON.parse(body) as Discovered).resources?.find((each) => each.kind === name && !each.name.includes('/'))
  return found && kind({ ...at, kind: name, plural: found.name, namespaced: found.namespaced ?? true })
}

/** The kind that a reference means; undefined when the server does not serve it. */
export const kindOfTarget = async (client: Client, { apiVersion = 'v1', kind: name }: Pick<ScaleTarget, 'apiVersion' | 'kind'>): Promise<Kind | undefined> => {
  const at = splitVersion(apiVersion)
  return storedKinds.find((each) => each.group === at.group && each.kind === name) ?? discovered(client, at, name)
}

/** Undefined when there is no such object, or it has no size. */
export const scaleReader = (client: Client) => async (target: ScaleTarget, namespace: string): Promise<Scale | undefined> => {
  const of = await kindOfTarget(client, target)
  if (!of) return undefined
  try {
    return await client.get(of as Kind<Scale>, { name: target.name, namespace }, { subresource: 'scale' })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
