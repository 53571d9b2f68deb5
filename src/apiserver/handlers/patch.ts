/** PATCH of an object or of a view on it. */
import { maxBodyBytes } from '../../api/decode.ts'
import type { KubeObject } from '../../api/meta.ts'
import { patchObject, patchTypeOf } from '../../api/patch/patch.ts'
import { negotiate } from '../negotiation/accept.ts'
import { objectShapesOf } from '../negotiation/shapes.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { apply } from './apply.ts'
import { respondWith } from './get.ts'
import { fitName } from './update.ts'
import { updateObject } from './update-object.ts'
import { warn } from './warnings.ts'
import { writeOptions } from './write-options.ts'

export const patch = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource } = request
  negotiate(exchange.headers['accept'], objectShapesOf(resource.kind))
  const type = patchTypeOf(exchange.headers['content-type'], resource.kind)
  if (type === 'application/apply-patch+yaml') return apply(request)
  const options = writeOptions(exchange, 'PatchOptions', false)
  const body = await exchange.body(maxBodyBytes)
  exchange.audit?.sentPatch(body)
  const { view, kind } = resource
  let warned = false
  const object = await updateObject(request, { options, wanted: (old) => {
    const result = patchObject<KubeObject>(view ? view.toView(old) : old, body, { type, kind, fieldValidation: options.fieldValidation })
    if (!warned) for (const warning of result.warnings) warn(exchange, warning)
    warned = true
    fitName(request, result.object)
    return view ? view.fromView(result.object) : result.object
  } })
  await respondWith(request, 200, object)
}
