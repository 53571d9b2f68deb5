/** Server-side apply: PATCH with application/apply-patch+yaml; creates what is not there. Mirrors applyPatcher of apiserver's `pkg/endpoints/handlers/patch.go`. */
import { maxBodyBytes } from '../../api/decode.ts'
import type { JsonValue, KubeObject } from '../../api/meta.ts'
import { applyConfiguration } from '../../api/patch/apply/field-manager.ts'
import { badRequest, conflict, isAlreadyExists, isNotFound, notFound } from '../../api/status.ts'
import { parseYaml, YamlSyntaxError } from '../../api/yaml-text.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { createObject } from './create-object.ts'
import { respondWith } from './get.ts'
import { managementOf } from './managed-fields.ts'
import { updateObject } from './update-object.ts'
import { warn } from './warnings.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'

/** The configuration of an apply, which may be YAML or JSON. Keys that stand twice are refused or warned about, as `fieldValidation` asks. */
export const appliedConfiguration = async ({ exchange }: Pick<ResourceRequest, 'exchange'>, { fieldValidation }: WriteOptions): Promise<JsonValue> => {
  const text = Buffer.from(await exchange.body(maxBodyBytes)).toString()
  try {
    const { value, repeated } = parseYaml(text)
    if (repeated !== undefined && fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: ${repeated}`)
    if (repeated !== undefined && fieldValidation === 'Warn') warn(exchange, repeated)
    exchange.audit?.sentPatch(Buffer.from(JSON.stringify(value)))
    return value
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw badRequest(`error decoding YAML: ${error.message}`)
    throw error
  }
}

const nameOf = (config: JsonValue): { name?: unknown; uid?: unknown } => {
  const metadata = typeof config === 'object' && config !== null && !Array.isArray(config) ? config['metadata'] : undefined
  return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata) ? metadata : {}
}

/** The object that results, in the stored form. */
const applied = (request: ResourceRequest, config: JsonValue, { live, options }: { live: KubeObject | undefined; options: WriteOptions }): KubeObject => {
  const { view } = request.resource
  const { object } = applyConfiguration<KubeObject>({ ...managementOf(request, options.fieldManager), live: live && view ? view.toView(live) : live, config, force: options.force ?? false })
  return view && live ? view.fromView(object) : object
}

const createApplied = async (request: ResourceRequest, config: JsonValue, options: WriteOptions): Promise<CachedObject> => {
  const { resource, name, subresource } = request
  if (subresource !== '') throw notFound(resource.kind, name)
  const { uid } = nameOf(config)
  if (typeof uid === 'string' && uid !== '') throw conflict(resource.kind, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`)
  const object = applied(request, config, { live: undefined, options })
  object.metadata.name ||= name
  return createObject(request, { object, options, applied: true })
}

export const apply = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource, server, namespace, name } = request
  const options = writeOptions(exchange, 'PatchOptions', true)
  const config = await appliedConfiguration(request, options)
  const { name: named } = nameOf(config)
  if (typeof named === 'string' && named !== '' && named !== name) throw badRequest(`the name of the object (${named}) does not match the name on the URL (${name})`)
  await server.storage.fresh(resource)
  for (;;) {
    try {
      if (resource.cache.get(namespace, name)) {
        const object = await updateObject(request, { options, applied: true, wanted: (live) => applied(request, config, { live, options }) })
        return await respondWith(request, 200, object)
      }
      return await respondWith(request, 201, await createApplied(request, config, options))
    } catch (error) {
      // It came or went between the look and the write.
      const exists = resource.cache.get(namespace, name) !== undefined
      if (!(isAlreadyExists(error) && exists) && !(isNotFound(error) && !exists && request.subresource === '' && error.status.details?.name === name && error.status.details.kind === resource.kind.plural)) throw error
    }
  }
}
