/** What is told when a node's status changes, in upstream's words (pkg/kubelet/nodestatus/setters.go). Pure. */
import type { NodeStatus } from '../../src/api/types.ts'
import type { Occurrence } from '../../src/client/events.ts'

const pressures = { MemoryPressure: ['NodeHasInsufficientMemory', 'NodeHasSufficientMemory'], DiskPressure: ['NodeHasDiskPressure', 'NodeHasNoDiskPressure'], PIDPressure: ['NodeHasInsufficientPID', 'NodeHasSufficientPID'] } as const

/** `before`: as the API server has it, empty for a node that is new. A first Ready is no news; the first word about each pressure is. */
export const nodeStatusEvents = (name: string, before: NodeStatus, now: NodeStatus): Occurrence[] => {
  const of = (status: NodeStatus, type: string): string | undefined => status.conditions?.find((condition) => condition.type === type)?.status
  const became = (reason: string): Occurrence => ({ type: 'Normal', reason, message: `Node ${name} status is now: ${reason}` })
  const [booted, boots] = [before.nodeInfo?.bootID, now.nodeInfo?.bootID ?? '']
  const [wasReady, ready] = [of(before, 'Ready'), of(now, 'Ready')]
  return [
    ...(booted && booted !== boots ? [{ type: 'Warning', reason: 'Rebooted', message: `Node ${name} has been rebooted, boot id: ${boots}` } as const] : []),
    ...Object.entries(pressures).flatMap(([type, [scarce, enough]]) => (of(before, type) === of(now, type) ? [] : [became(of(now, type) === 'True' ? scarce : enough)])),
    ...(wasReady === undefined || wasReady === ready ? [] : [became(ready === 'True' ? 'NodeReady' : 'NodeNotReady')]),
  ]
}
