/**
 * Who may set a Service's `externalIPs` can take traffic of any address from every pod and node (CVE-2020-8554). So the field is
 * refused, unless the user may `use` services/externalips (cluster administrators may), or the cluster allows it to everybody.
 * Mirrors `plugin/pkg/admission/network/denyserviceexternalips`, which upstream leaves off.
 */
import { Services } from '../../api/kinds.ts'
import { forbidden } from '../../api/status.ts'
import type { Service } from '../../api/types.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { AdmissionPlugin } from './plugin.ts'

const addressesOf = (service: Service | undefined): readonly string[] => service?.spec.externalIPs ?? []

export const denyServiceExternalIPs = (authorizer: Authorizer): AdmissionPlugin => ({
  name: 'DenyServiceExternalIPs',
  handles: ({ operation, kind, subresource }) => (operation === 'CREATE' || operation === 'UPDATE') && kind === Services && subresource === '',
  validate: async ({ object, oldObject, name, namespace, user }) => {
    const before = addressesOf(oldObject as Service | undefined)
    if (addressesOf(object as Service).every((address) => before.includes(address))) return
    const { verdict } = await authorizer.authorize({ user, verb: 'use', resourceRequest: true, apiGroup: '', apiVersion: 'v1', resource: 'services', subresource: 'externalips', namespace, name, path: '' })
    if (verdict !== 'allow') throw forbidden(Services, name, 'Use of external IPs is denied by admission control')
  },
})
