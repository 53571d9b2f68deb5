/** What a pod may ask for and this kubelet cannot give: refused by name, never ignored. Pure. */
import type { Container, Pod } from '../../src/api/types.ts'

const inContainer = (container: Container, path: string): string[] => {
  const { securityContext } = container
  return [
    ...(container.volumeDevices?.length ? [`${path}.volumeDevices`] : []),
    ...(container.resources?.claims?.length ? [`${path}.resources.claims`] : []),
    ...(securityContext?.procMount && securityContext.procMount !== 'Default' ? [`${path}.securityContext.procMount`] : []),
    // The default profile of this runtime is to have none; a file of one's own would have to be loaded.
    ...(securityContext?.seccompProfile?.type === 'Localhost' ? [`${path}.securityContext.seccompProfile.localhostProfile`] : []),
    ...(isConfined(securityContext?.appArmorProfile?.type) ? [`${path}.securityContext.appArmorProfile`] : []),
    ...(container.volumeMounts?.some(({ recursiveReadOnly }) => recursiveReadOnly === 'Enabled') ? [`${path}.volumeMounts[].recursiveReadOnly`] : []),
  ]
}

const isConfined = (type: string | undefined): boolean => type === 'Localhost'

/** The paths of such fields. */
export const unsupportedFields = ({ spec }: Pod): string[] => [
  ...(spec.hostUsers === false ? ['spec.hostUsers'] : []),
  ...(spec.resourceClaims?.length ? ['spec.resourceClaims'] : []),
  ...(spec.runtimeClassName ? ['spec.runtimeClassName'] : []),
  ...(spec.os?.name && spec.os.name !== 'linux' ? ['spec.os.name'] : []),
  ...(spec.securityContext?.seccompProfile?.type === 'Localhost' ? ['spec.securityContext.seccompProfile.localhostProfile'] : []),
  ...(isConfined(spec.securityContext?.appArmorProfile?.type) ? ['spec.securityContext.appArmorProfile'] : []),
  ...spec.containers.flatMap((container, index) => inContainer(container, `spec.containers[${index}]`)),
  ...(spec.initContainers ?? []).flatMap((container, index) => inContainer(container, `spec.initContainers[${index}]`)),
]
