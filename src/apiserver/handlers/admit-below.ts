/** Admission of a POST to a subresource whose body is of another kind (Binding, Eviction): it is judged as it was sent, and what the server does then is not judged again. */
import type { KubeObject } from '../../api/meta.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { admissionContext, admitMutations, admitValidations } from './admit.ts'
import { optionsObject, type WriteOptions } from './write-options.ts'

export interface Below {
  body: object
  bodyKind: NonNullable<AdmissionAttributes['bodyKind']>
  options: WriteOptions
}

export const admitBelow = async (request: ResourceRequest, { body, bodyKind: { group, version, kind }, options }: Below): Promise<void> => {
  const { server, resource, namespace, name, user, subresource } = request
  const attributes: AdmissionAttributes = {
    operation: 'CREATE', kind: resource.kind, subresource, name, namespace, object: body as KubeObject, oldObject: undefined, bodyKind: { group, version, kind }, options: optionsObject(options), user, dryRun: options.dryRun,
  }
  const context = admissionContext(request)
  await admitMutations(server.admission, attributes, context)
  await admitValidations(server.admission, attributes, context)
}

/** The same request as the server's own, past admission. */
export const pastAdmission = (request: ResourceRequest): ResourceRequest => ({ ...request, server: { ...request.server, admission: [] } })
