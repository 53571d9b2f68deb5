/** Where a machine that joined over SSH keeps what. Apart from /var/lib/wherry, which a cluster of its own may have. */
import path from 'node:path'

export interface MachineHome {
  /** Keys, certificates, kubelet's data. */
  data: string
  kubelet: string
  images: string
  kubeconfig: string
  log: string
  /** On tmpfs, the same as on the cluster's first machine. */
  run: string
  /** The runtime's state. */
  state: string
  keeperPid: string
  /** A link to the program below `programs`. */
  program: string
  programs: string
}

const root = '/var/lib/wherry-node'

/** `clusterId` and `node` have been checked: they are parts of paths. */
export const machineHome = (clusterId: string, node: string): MachineHome => {
  const data = path.join(root, clusterId)
  const run = `/run/wherry/${clusterId}`
  return {
    data, run, kubelet: path.join(data, 'kubelet'), images: path.join(data, 'images'), kubeconfig: path.join(data, 'kubelet.kubeconfig'), log: path.join(data, `kubelet-${node}.log`),
    state: path.join(run, node), keeperPid: path.join(run, 'keepers', `${node}.pid`), program: path.join(run, 'program'), programs: path.join(root, 'program'),
  }
}
