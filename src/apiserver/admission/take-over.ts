/** How a request's object becomes what a webhook or a policy made of it. */
import type { KubeObject } from '../../api/meta.ts'
import { badRequest } from '../../api/status.ts'
import type { AdmissionAttributes } from './plugin.ts'
import { asBefore, type Version } from './webhook-versions.ts'

/** The request's object becomes `next`, which is what a version of it was changed to; in place, without defaults. */
export const takeOver = ({ row }: Version, next: KubeObject, { object, namespace }: AdmissionAttributes): void => {
  if (!object) return
  const stored = row?.view ? row.view.fromView(next) : row ? asBefore(next, row, object) : next
  if (namespace !== '' && (stored.metadata.namespace ?? '') !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  for (const key of Object.keys(object)) Reflect.deleteProperty(object, key)
  Object.assign(object, stored)
}
