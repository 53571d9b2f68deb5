/** Creating an object, whoever asks: POST, PUT to a new name, apply of a new one. Mirrors apiserver's `registry/generic/registry/store.go` Create and `rest.BeforeCreate`. */
import { deepCopy } from '../../api/equal.ts'
import type { KubeObject } from '../../api/meta.ts'
import { nameSuffix } from '../../api/random.ts'
import { alreadyExists, invalid, StatusError, unclassified } from '../../api/status.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { admissionContext, admitMutations, admitValidations } from './admit.ts'
import { trackWrite } from './managed-fields.ts'
import { fillNewMetadata, fitNamespace, newMetadataErrors, ordered } from './object-meta.ts'
import { strategyContext } from './strategy-context.ts'
import { finalizerNameErrors } from '../registry/finalizer-names.ts'
import { warn } from './warnings.ts'
import { optionsObject, type WriteOptions } from './write-options.ts'

const maxGeneratedAttempts = 8
const maxNameLength = 63
const suffixLength = 5

/** As upstream's SimpleNameGenerator: the base is cut so that the whole stays a DNS label. */
const generatedName = (base: string, request: ResourceRequest): string => base.slice(0, maxNameLength - suffixLength) + nameSuffix(request.server.random, suffixLength)

const taken = (request: ResourceRequest, object: KubeObject, generated: boolean): StatusError => {
  const error = alreadyExists(request.resource.kind, object.metadata.name)
  if (!generated) return error
  return new StatusError({ ...error.status, message: `${error.status.message ?? ''}, the server was not able to generate a unique name for the object` })
}

const validated = (request: ResourceRequest, object: KubeObject): void => {
  const { kind, strategy } = request.resource
  const context = strategyContext(request)
  const errors = [...newMetadataErrors(object.metadata, strategy.validateName), ...finalizerNameErrors(kind, object.metadata.finalizers), ...(strategy.validate?.(object, context) ?? [])]
  if (errors.length > 0) throw invalid(kind, object.metadata.name ?? '', errors)
  for (const warning of strategy.warnings?.(object, context) ?? []) warn(request.exchange, warning)
}

const store = async (request: ResourceRequest, object: KubeObject, attributes: AdmissionAttributes): Promise<CachedObject | undefined> => {
  const { server, resource } = request
  const claimed = resource.strategy.begin ? await resource.strategy.begin(object, undefined, strategyContext(request, { dryRun: attributes.dryRun })) : undefined
  let stored: CachedObject | undefined
  try {
    await admitValidations(server.admission, { ...attributes, name: object.metadata.name }, admissionContext(request))
    if (attributes.dryRun) {
      const exists = resource.cache.get(object.metadata.namespace ?? '', object.metadata.name) !== undefined
      return exists ? undefined : server.storage.preview(resource, object, 0)
    }
    stored = await server.storage.create(resource, object)
    if (stored) await claimed?.done?.()
    return stored
  } finally {
    if (!stored) await claimed?.release()
  }
}

export interface NewObject {
  /** Decoded, as the client sent it; changed in place. */
  object: KubeObject
  options: WriteOptions
  /** Server-side apply has recorded its manager already. */
  applied?: boolean
}

/** Throws 422, 409, or what an admission plugin says. */
export const createObject = async (request: ResourceRequest, { object: sent, options, applied = false }: NewObject): Promise<CachedObject> => {
  const { resource, namespace, user, server } = request
  const { kind, strategy, view } = resource
  const object = view ? view.fromView(sent) : sent
  object.metadata ??= {} as KubeObject['metadata']
  // No name is the empty one, as in Go: nobody has to look twice.
  object.metadata.name ??= ''
  fitNamespace(kind, object.metadata, namespace)
  const { resourceVersion = '' } = object.metadata as Partial<KubeObject['metadata']>
  delete (object.metadata as Partial<KubeObject['metadata']>).resourceVersion
  strategy.setDefaults?.(object)
  if (!applied && !view) request.exchange.audit?.sent(object)
  if (!applied) trackWrite(request, { next: object, old: undefined, manager: options.fieldManager })
  const attributes: AdmissionAttributes = {
    operation: 'CREATE', kind, subresource: '', name: object.metadata.name ?? '', namespace, object, oldObject: undefined, options: optionsObject(options), user, dryRun: options.dryRun,
  }
  if (await admitMutations(server.admission, attributes, admissionContext(request))) strategy.setDefaults?.(object)
  fillNewMetadata(object.metadata, server)
  if (strategy.generationOf) object.metadata.generation = 1
  const generated = !object.metadata.name && Boolean(object.metadata.generateName)
  for (let attempt = 1; ; attempt += 1) {
    // The name comes first, since strategies build on it (a Job's selector, a Namespace's label): each attempt starts anew.
    const draft = generated ? deepCopy(object) : object
    if (generated) draft.metadata.name = generatedName(object.metadata.generateName ?? '', request)
    strategy.prepareForCreate?.(draft, strategyContext(request))
    if (attempt === 1) validated(request, draft)
    // As etcd3's store refuses it, which dry runs never reach.
    if (!/^0*$/.test(resourceVersion) && !options.dryRun) throw unclassified('resourceVersion should not be set on objects to be created')
    const stored = await store(request, ordered(draft), { ...attributes, object: draft })
    if (stored) return stored
    if (!generated || attempt === maxGeneratedAttempts) throw taken(request, draft, generated)
  }
}
