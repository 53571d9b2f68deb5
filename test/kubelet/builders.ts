/** Pods and runtime states that read aloud. */
import type { Observed } from '../../agents/kubelet/observed.ts'
import type { PlanInput } from '../../agents/kubelet/plan.ts'
import type { ContainerState, SandboxState } from '../../agents/kubelet/runtime/runtime.ts'
import type { Container, Pod, PodSpec } from '../../src/api/types.ts'

export const start = new Date('2026-01-01T00:00:00Z')

export const aContainer = (name = 'web', more: Partial<Container> = {}): Container => ({ name, image: 'host', command: ['serve'], ...more })

export const aPod = (spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'default', uid: 'uid-1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1, ...metadata },
  spec: { containers: [aContainer()], restartPolicy: 'Always', terminationGracePeriodSeconds: 30, nodeName: 'node-1', enableServiceLinks: true, ...spec },
  status: {},
})

export const aSandbox = (more: Partial<SandboxState> = {}): SandboxState =>
  ({ podUid: 'uid-1', podName: 'web-1', podNamespace: 'default', attempt: 0, ready: true, createdAt: start, podIP: '10.244.0.5', ...more })

export const aState = (name: string, state: ContainerState['state'], more: Partial<ContainerState> = {}): ContainerState => ({
  podUid: 'uid-1', name, attempt: 0, id: `id-${name}-${more.attempt ?? 0}`, state, pid: state === 'running' ? 4711 : undefined, createdAt: start,
  startedAt: state === 'created' ? undefined : start, finishedAt: state === 'exited' ? start : undefined, exitCode: state === 'exited' ? 0 : undefined, signal: undefined,
  oomKilled: false, reason: undefined, message: undefined, imageRef: 'host', logPath: `/logs/${name}.log`, ...more,
})

export const observed = (...containers: ContainerState[]): Observed => ({ sandbox: aSandbox(), containers })

/** What plan gets when nothing special is going on. */
export const planInput = (pod: Pod, seen: Observed, more: Partial<PlanInput> = {}): PlanInput => ({
  pod, observed: seen, verdict: () => undefined, imageOf: () => 'host', backOff: () => undefined,
  nextAttempt: (name) => Math.max(-1, ...seen.containers.filter((state) => state.name === name).map(({ attempt }) => attempt)) + 1,
  nextSandboxAttempt: seen.sandbox ? seen.sandbox.attempt + 1 : 0, isBeingKilled: () => false, actuated: () => undefined, podLimits: undefined, resizeOf: () => false, mayArm: () => false, now: start.getTime(), ...more,
})
