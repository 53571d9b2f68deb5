/** The volumes of one pod's run, made anew whenever something that they show has changed. */
import type { Machine, PodRun } from './pod-run.ts'
import { downwardFacts } from './prepare-container.ts'
import { unsupportedSetUp } from './unsupported.ts'
import { MountError } from './volumes/volumes.ts'

/** Rejects with a MountError for what this node cannot set up, or with what went wrong; the volumes are then still to be made. */
export const prepareVolumes = async (machine: Machine, run: PodRun): Promise<void> => {
  const namespace = run.pod.metadata.namespace ?? ''
  const unsupported = unsupportedSetUp(run.pod)
  if (unsupported) throw new MountError(unsupported.message, { reason: unsupported.reason })
  // Set before: what changes while they are being made makes them stale again.
  run.volumesReady = true
  await machine.volumes.prepare(run.pod, {
    ...downwardFacts(machine, run),
    configMap: (name) => machine.references.configMap(namespace, name), secret: (name) => machine.references.secret(namespace, name),
    claim: (name) => machine.references.claim(namespace, name), persistentVolume: (name) => machine.references.persistentVolume(run.pod.metadata.uid, name),
  }).catch((error: unknown) => {
    run.volumesReady = false
    throw error
  })
}
