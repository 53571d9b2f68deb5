/** Which filter a container asks for. Mirrors pkg/kubelet/kuberuntime's getSeccompProfile, and what containerd makes of privileged containers. Pure. */
import path from 'node:path'
import type { Container, Pod } from '../../../src/api/types.ts'

/** undefined: none. */
export type SeccompChoice = { kind: 'default' } | { kind: 'file'; path: string } | undefined

export interface SeccompDefaults {
  /** Whether pods that say nothing get RuntimeDefault. */
  seccompDefault: boolean
  /** Where `localhostProfile` begins. */
  directory: string
}

/** The container's own word comes before the pod's. Throws for a local profile without a name, or with one that leads out of the directory. */
export const chooseSeccomp = (pod: Pod, container: Container, { seccompDefault, directory }: SeccompDefaults): SeccompChoice => {
  if (container.securityContext?.privileged) return undefined
  const profile = container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile
  const type = profile?.type ?? (seccompDefault ? 'RuntimeDefault' : 'Unconfined')
  if (type === 'Unconfined') return undefined
  if (type === 'RuntimeDefault') return { kind: 'default' }
  if (type !== 'Localhost') throw new Error(`seccompProfile type ${JSON.stringify(type)} is not known`)
  if (!profile?.localhostProfile) throw new Error('localhostProfile must be set if seccompProfile type is Localhost.')
  const file = path.join(directory, profile.localhostProfile)
  if (!file.startsWith(`${path.normalize(directory)}/`)) throw new Error(`localhostProfile ${JSON.stringify(profile.localhostProfile)} must lie below ${directory}`)
  return { kind: 'file', path: file }
}
