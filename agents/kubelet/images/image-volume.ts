/** A volume whose content is an image's: which containers see it, and what its reference must be. Mirrors getImageVolumes and toKubeContainerImageVolumes (pkg/kubelet/kuberuntime). Pure. */
import type { Container, Pod } from '../../../src/api/types.ts'
import { ConfigError } from '../env.ts'
import type { ResolvedImage } from '../image.ts'

export interface ImageVolume { name: string; reference: string; pullPolicy: string | undefined }

/** Where the image of a volume lies on this machine. */
export interface VolumeRoot { path: string; id: string }

export const imageVolumesOf = (pod: Pod, { volumeMounts = [] }: Pick<Container, 'volumeMounts'>): ImageVolume[] =>
  (pod.spec.volumes ?? []).flatMap(({ name, image }) => (image && volumeMounts.some((mount) => mount.name === name) ? [{ name, reference: image.reference ?? '', pullPolicy: image.pullPolicy }] : []))

/** Throws ConfigError for what has no files of its own. */
export const volumeRoot = ({ name, reference }: ImageVolume, { ref }: ResolvedImage): VolumeRoot => {
  if (ref.kind === 'root') return { path: ref.path, id: ref.id }
  throw new ConfigError(`volume ${JSON.stringify(name)}: image ${JSON.stringify(reference)} is the machine's own file system here and no image of files: use hostPath`)
}
