/** A kubelet's stand-in that can be killed: a process that holds the runtime of a node and does what its parent says. */
import { spawn } from 'node:child_process'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import type { ContainerSpec, ContainerState, SandboxSpec } from '../../agents/kubelet/runtime/runtime.ts'
import { collect, launch, type NodePlace, never, openRuntime } from './runtime-node.ts'

/** What travels: functions do not. */
type PlainSandbox = Omit<SandboxSpec, 'hostsFor'>
type Order =
  | { do: 'list' }
  | { do: 'sandbox'; spec: PlainSandbox }
  | { do: 'create' | 'start' | 'launch'; spec: ContainerSpec }
  | { do: 'stop'; podUid: string; name: string; graceSeconds: number }
  | { do: 'removeSandbox'; podUid: string }
  | { do: 'destroy' }
  | { do: 'exec'; podUid: string; name: string; command: string[] }

export interface Agent {
  pid: number
  tell(order: Order): Promise<unknown>
  containers(): Promise<ContainerState[]>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

const obey = async (runtime: ProcessRuntime, order: Order): Promise<unknown> => {
  switch (order.do) {
    case 'list': return runtime.listContainers()
    case 'sandbox': return runtime.runSandbox({ ...order.spec, hostsFor: (podIP) => `${podIP} ${order.spec.hostname}\n` }, never)
    case 'create': return runtime.createContainer(order.spec, never)
    case 'start': return runtime.startContainer(order.spec)
    case 'launch': return launch(runtime, order.spec)
    case 'stop': return runtime.stopContainer(order.podUid, order.name, order.graceSeconds)
    case 'exec': return (await collect(runtime, order.podUid, order.command, { name: order.name })).out
    case 'destroy': return runtime.destroy()
    case 'removeSandbox': return runtime.removeSandbox(order.podUid)
  }
}

export const plain = ({ hostsFor: _, ...rest }: SandboxSpec): PlainSandbox => rest

/** Resolves when the runtime has adopted what was there. `namespace`: arguments of nsenter(1) for a node that is not the machine itself. */
export const startAgent = async (place: NodePlace, namespace: string[] = []): Promise<Agent> => {
  const [command = process.execPath, ...args] = [...(namespace.length > 0 ? ['nsenter', ...namespace] : []), process.execPath, import.meta.filename, JSON.stringify(place)]
  const child = spawn(command, args, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const gone = new Promise<void>((resolve) => { child.on('exit', () => { resolve() }) })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  const ready = Promise.withResolvers<undefined>()
  child.on('message', (message: { id: number; value?: unknown; error?: string }) => {
    const answer = message.id === 0 ? ready : waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) answer?.resolve(message.value as undefined)
    else answer?.reject(new Error(message.error))
  })
  void gone.then(() => { for (const each of [ready, ...waiting.values()]) each.reject(new Error('the agent is gone')) })
  const agent: Agent = {
    pid: child.pid ?? 0,
    tell(order) {
      const answer = Promise.withResolvers<unknown>()
      // An order in the middle of which the agent is killed has no answer, and nobody who waits for one.
      answer.promise.catch(() => {})
      waiting.set(++last, answer)
      child.send({ id: last, order })
      return answer.promise
    },
    containers: async () => (await agent.tell({ do: 'list' })) as ContainerState[],
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
  await ready.promise
  return agent
}

if (process.argv[1] === import.meta.filename && process.send) {
  const runtime = await openRuntime(JSON.parse(process.argv[2] ?? '') as NodePlace)
  process.on('message', (message: { id: number; order: Order }) => {
    obey(runtime, message.order).then((value) => process.send?.({ id: message.id, value }), (error: unknown) => process.send?.({ id: message.id, error: String(error) }))
  })
  process.send({ id: 0 })
}
