/** What is taken back from a pod: its volumes when it has stopped, everything else when nobody asks for it any more. */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Pod } from '../../src/api/types.ts'
import type { Machine } from './pod-run.ts'
import { containerLogDirectory } from './prepare-container.ts'

/** After its last container: probes, references and volumes. Logs and what the runtime knows stay readable. */
export const reclaimPod = async (machine: Machine, pod: Pod): Promise<void> => {
  const uid = pod.metadata.uid
  machine.prober.forget(uid)
  machine.references.release(uid)
  await machine.volumes.remove(uid)
}

/** The pod is deleted: nothing of it stays. Idempotent. */
export const forgetPod = async (machine: Machine, pod: Pod): Promise<void> => {
  const uid = pod.metadata.uid
  await machine.runtime.removeSandbox(uid)
  await machine.volumes.remove(uid)
  await rm(path.dirname(containerLogDirectory(machine, pod, 'any')), { recursive: true, force: true })
  machine.heal.forget(uid)
  machine.images.forget(uid)
}
