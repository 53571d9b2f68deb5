/** What plugins give a container, put together. Mirrors deviceRunContainerOptions (pkg/kubelet/cm/devicemanager/pod_devices.go): of what several give under the same name, the first counts. Pure. */
import { ConfigError } from '../env.ts'
import type { Mount } from '../runtime/runtime.ts'
import type { ContainerAnswer } from './schema.ts'

export interface ContainerDevices { env: { name: string; value: string }[]; mounts: Mount[] }

const first = <T>(all: readonly T[], keyOf: (each: T) => string): T[] => all.filter((each, index) => all.findIndex((other) => keyOf(other) === keyOf(each)) === index)

/** Throws ConfigError for what cannot be given. */
export const containerDevices = (answers: readonly ContainerAnswer[]): ContainerDevices => {
  const [cdi] = answers.flatMap(({ cdi_devices }) => cdi_devices)
  if (cdi) throw new ConfigError(`this kubelet does not support CDI devices (${JSON.stringify(cdi.name)}): let the device plugin name devices, mounts and variables themselves`)
  const devices = first(answers.flatMap((answer) => answer.devices), ({ container_path }) => container_path)
  const mounts = first(answers.flatMap((answer) => answer.mounts), ({ container_path }) => container_path)
  return {
    env: first(answers.flatMap(({ envs }) => Object.entries(envs).map(([name, value]) => ({ name, value }))), ({ name }) => name),
    mounts: [
      ...mounts.map(({ container_path, host_path, read_only }): Mount => ({ hostPath: host_path, containerPath: container_path, readOnly: read_only, propagation: 'private' })),
      // A node that may not be written may still be opened as what it is: the program at the cgroup sees to that.
      ...devices.map(({ container_path, host_path, permissions }): Mount => ({ hostPath: host_path, containerPath: container_path || host_path, readOnly: false, device: true, ...(permissions !== '' && !permissions.includes('w') && { unwritable: true }), propagation: 'private' })),
    ],
  }
}
