/** How a request's object becomes what a webhook or a policy made of it. */
import { semanticEqual } from '../../api/equal.ts'
import type { KubeObject } from '../../api/meta.ts'
import { badRequest } from '../../api/status.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import { asBefore, convertedTo, type Version } from './webhook-versions.ts'

/** The request's object becomes `next`, which is what a version of it was changed to; in place, with the version's defaults. Whether it was changed, defaults aside. */
export const takeOver = async ({ row }: Version, next: KubeObject, { attributes, context }: { attributes: AdmissionAttributes; context: AdmissionContext }): Promise<boolean> => {
  const { object, namespace, kind } = attributes
  if (!object) return false
  const converts = row?.version?.fromAny !== undefined
  // In the version that was changed, as upstream: a conversion then sees all there is.
  if (converts) row.strategy.setDefaults?.(next)
  const own = converts ? context.resources.find(kind.group, kind.version, kind.plural)?.stored : undefined
  const back = own ? await convertedTo(own, next) : next
  const stored = row?.view ? row.view.fromView(back) : row ? asBefore(back, row, object) : back
  if (namespace !== '' && (stored.metadata.namespace ?? '') !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const changed = !semanticEqual(object, stored)
  for (const key of Object.keys(object)) Reflect.deleteProperty(object, key)
  Object.assign(object, stored)
  if (!converts) row?.strategy.setDefaults?.(object)
  return changed
}
