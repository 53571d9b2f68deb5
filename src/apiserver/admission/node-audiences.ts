/** For whom a node may ask tokens: only for whom its pod's volumes do, or what the authorizer allows. Mirrors validateNodeServiceAccountAudience of `plugin/pkg/admission/noderestriction` (ServiceAccountNodeAudienceRestriction). */
import { CSIDrivers, PersistentVolumeClaims, PersistentVolumes, ServiceAccounts } from '../../api/kinds.ts'
import { forbidden } from '../../api/status.ts'
import type { Pod, Volume } from '../../api/types.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AdmissionAttributes } from './plugin.ts'

const missing = (what: string, name: string): Error => new Error(`${what} ${JSON.stringify(name)} not found`)

/** The driver behind a volume; undefined: none. Throws where the way to it ends. */
const driverOf = (pod: Pod, volume: Volume, lookup: Lookup): string | undefined => {
  const claimName = volume.ephemeral?.volumeClaimTemplate ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName
  if (claimName === undefined) return volume.csi?.driver
  const claim = lookup.get(PersistentVolumeClaims, claimName, pod.metadata.namespace)
  if (!claim) throw missing('persistentvolumeclaim', claimName)
  const { volumeName } = claim.spec
  if (!volumeName) return undefined
  const bound = lookup.get(PersistentVolumes, volumeName)
  if (!bound) throw missing('persistentvolume', volumeName)
  return bound.spec.csi?.driver
}

const driverAsks = (name: string, audience: string, lookup: Lookup): boolean => {
  const driver = lookup.get(CSIDrivers, name)
  if (!driver) throw missing('csidriver.storage.k8s.io', name)
  return (driver.spec.tokenRequests ?? []).some((request) => request.audience === audience)
}

/** Whether a volume of the pod asks for tokens for that audience; '' is the API server. Throws what was in the way, if none does. */
const podAsks = (pod: Pod, audience: string, lookup: Lookup): boolean => {
  const problems: string[] = []
  for (const volume of pod.spec.volumes ?? []) {
    if ((volume.projected?.sources ?? []).some(({ serviceAccountToken: token }) => token && (token.audience ?? '') === audience)) return true
    try {
      const driver = driverOf(pod, volume, lookup)
      if (driver && driverAsks(driver, audience, lookup)) return true
    } catch (error) {
      problems.push((error as Error).message)
    }
  }
  if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`)
  return false
}

/** Throws or rejects with the refusal. */
export const checkAudiences = async ({ user, name, namespace, object }: AdmissionAttributes, at: { pod: Pod; lookup: Lookup; authorizer: Authorizer }): Promise<void> => {
  const { audiences = [] } = (object as unknown as { spec: { audiences?: string[] } }).spec
  if (audiences.length > 1) throw forbidden(ServiceAccounts, name, 'node may only request 0 or 1 audiences')
  const [audience = ''] = audiences
  try {
    if (podAsks(at.pod, audience, at.lookup)) return
  } catch (error) {
    throw forbidden(ServiceAccounts, name, `error validating audience ${JSON.stringify(audience)}: ${(error as Error).message}`)
  }
  const { verdict } = await at.authorizer.authorize({ user, verb: 'request-serviceaccounts-token-audience', resourceRequest: true, apiGroup: '', apiVersion: 'v1', resource: audience, subresource: '', namespace, name, path: '' })
  if (verdict === 'allow') return
  throw forbidden(ServiceAccounts, name, `audience ${JSON.stringify(audience)} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`)
}
