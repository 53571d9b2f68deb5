/** Kubelet and scheduler in one, without processes: pods are bound, become Running and Ready (or end at once), and go when they are told to. */
import { timestamp } from '../../src/api/clock.ts'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import { keyOf } from '../../src/api/meta.ts'
import type { Node, Pod, PodStatus } from '../../src/api/types.ts'
import { type Action, updateStatus } from '../../src/client/action.ts'
import { type Reconciler, watching, type World } from '../../src/client/controller.ts'

/** What becomes of a pod: a label says so. */
export const fateLabel = 'test/fate'

const pinnedTo = ({ spec }: Pod): string | undefined => spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]
const isAlive = (node: Node | undefined): boolean => node !== undefined && node.metadata.labels?.['test/dead'] === undefined
const takesPods = (node: Node): boolean => isAlive(node) && !node.spec.unschedulable && !(node.spec.taints ?? []).some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')

const bind = (pod: Pod, world: World): Action[] => {
  const wanted = pinnedTo(pod)
  const node = world.list(Nodes).filter((each) => (wanted ? each.metadata.name === wanted : takesPods(each))).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[0]
  return node ? [{ do: 'createSubresource', kind: Pods, at: { name: pod.metadata.name, namespace: pod.metadata.namespace }, subresource: 'binding', body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: pod.metadata.name }, target: { kind: 'Node', name: node.metadata.name } } }] : []
}

let addresses = 0

const statusOf = (pod: Pod, now: Date): PodStatus => {
  const fate = pod.metadata.labels?.[fateLabel]
  const time = timestamp(now)
  const containers = (ready: boolean, state: object) => pod.spec.containers.map(({ name }) => ({ name, ready, restartCount: 0, image: 'host', imageID: '', state }))
  if (fate === 'Succeeded' || fate === 'Failed') {
    const exitCode = fate === 'Failed' ? 1 : 0
    return { ...pod.status, phase: fate, containerStatuses: containers(false, { terminated: { exitCode, finishedAt: time, startedAt: time } }), conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: time }] }
  }
  const ready = fate !== 'NotReady'
  const podIP = `10.244.${++addresses >> 8}.${addresses & 255}`
  return {
    ...pod.status, phase: 'Running', podIP, podIPs: [{ ip: podIP }], startTime: time, containerStatuses: containers(ready, { running: { startedAt: time } }),
    conditions: [...(pod.status.conditions ?? []).filter(({ type }) => type !== 'Ready'), { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: time }],
  }
}

export const fakeKubelet: Reconciler = {
  name: 'fake-kubelet',
  watches: [watching(Pods, (pod) => [keyOf(pod)]), watching(Nodes, (_, world) => world.list(Pods).map(keyOf), { matters: (node, previous) => node !== undefined && (!previous || takesPods(node) !== takesPods(previous)) })],
  plan(key, world) {
    const pod = world.get(Pods, key)
    if (!pod) return []
    if (!pod.spec.nodeName) return pod.metadata.deletionTimestamp ? [] : bind(pod, world)
    if (!isAlive(world.get(Nodes, pod.spec.nodeName))) return []
    if (pod.metadata.deletionTimestamp) return [{ do: 'delete', kind: Pods, object: pod, options: { gracePeriodSeconds: 0 } }]
    return (pod.status.phase ?? 'Pending') === 'Pending' ? [updateStatus(Pods, { ...pod, status: statusOf(pod, world.now) })] : []
  },
}
