/** Applies manifests server-side, idempotently: what `up` does with the addons, and with the files of `-f`. */
import { resourcePath, storedKinds, type Kind } from '../api/kinds.ts'
import type { JsonObject } from '../api/meta.ts'
import type { Client } from '../client/client.ts'
import type { ClusterConfig } from './config.ts'
import { manifestsFolder, parseManifest, readManifests } from './manifests.ts'
import { UserError } from './user-error.ts'

const fieldManager = 'wherry'

const kindOf = (object: JsonObject, file: string): Kind => {
  const apiVersion = String(object['apiVersion'] ?? '')
  const found = storedKinds.find((each) => each.kind === object['kind'] && (each.group ? `${each.group}/${each.version}` : each.version) === apiVersion)
  if (!found) throw new UserError(`${file}: no matches for kind ${JSON.stringify(object['kind'] ?? '')} in version ${JSON.stringify(apiVersion)}`)
  return found
}

/** Applies `objects` in their order. Rejects with a UserError that names file and object for what the server refuses. */
export const applyObjects = async (client: Client, objects: readonly JsonObject[], file: string): Promise<string[]> => {
  const applied: string[] = []
  for (const object of objects) {
    const kind = kindOf(object, file)
    const metadata = (object['metadata'] ?? {}) as { name?: string; namespace?: string }
    if (!metadata.name) throw new UserError(`${file}: ${kind.kind} without metadata.name`)
    const namespace = kind.namespaced ? (metadata.namespace ?? 'default') : undefined
    const body = namespace ? { ...object, metadata: { ...metadata, namespace } } : object
    try {
      await client.patch(kind, { name: metadata.name, namespace }, { type: 'apply', body, force: true }, { fieldManager })
    } catch (error) {
      throw new UserError(`${file}: ${resourcePath(kind, { namespace, name: metadata.name })}: ${(error as Error).message}`, 1, { cause: error })
    }
    applied.push(`${kind.kind.toLowerCase()}/${metadata.name}`)
  }
  return applied
}

/** What the cluster needs for itself beside its control plane: roles, kube-proxy, DNS, the storage class. `from`: the manifests of another program; `without`: names that are left out. */
export const applyAddons = async (client: Client, { single }: Pick<ClusterConfig, 'single'>, values: Readonly<Record<string, string>>, { from = manifestsFolder(), without = [] }: { from?: string; without?: readonly string[] } = {}): Promise<void> => {
  const addons = [...await readManifests('addons', values, from)].filter(([name]) => !without.includes(name) && (['00-roles', 'storage'].includes(name) || (name === 'single-dns') === single))
  for (const [name, text] of addons) await applyObjects(client, parseManifest(text, `${name}.yaml`), `${name}.yaml`)
}
