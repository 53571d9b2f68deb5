/** What behaviours of pods and their controllers need besides `conformance.ts`: small images, pods until they are ready, watches from a revision. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll } from 'vitest'
import { type Kind, Pods } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { Container, Pod, PodSpec } from '../../src/api/types.ts'
import type { Client, WatchEvent } from '../../src/client/client.ts'
import { type TestCluster, until } from './cluster.ts'
import { type Behaviour, conformance, type World } from './conformance.ts'
import { isReady } from './live-client.ts'
import { archive, type ArchiveEntry, ociFiles } from './oci-image.ts'

const program = [path.resolve(import.meta.dirname, '../../.cache/debian/root/bin/busybox'), '/bin/busybox'].find((file) => existsSync(file))

/** Behaviours that wait for minutes by their nature. */
export const isFull = process.env['WHERRY_FULL'] === '1'
export const busybox = 'busybox:1'
/** A program that does nothing, and ends when it is told to. */
export const pause = 'pause:1'
/** Prints in brackets how it was called, and ends. */
export const entrypointTester = 'entrypoint-tester:1'

const commands = ['sh', 'id', 'cat', 'sleep', 'touch', 'ls', 'expr', 'env', 'echo', 'nc', 'wget', 'true', 'false', 'hostname', 'grep', 'mkdir']
const layer = (): ArchiveEntry[] => [
  { path: 'bin/busybox', data: readFileSync(program ?? ''), mode: 0o755 },
  ...commands.map((name): ArchiveEntry => ({ path: `bin/${name}`, type: 'Link', linkpath: 'bin/busybox' })),
  { path: 'bin/sysctl', type: 'Link', linkpath: 'bin/busybox' },
  ...['entrypoint-tester', 'entrypoint-tester-2'].map((name): ArchiveEntry => ({ path: name, data: '#!/bin/sh\necho "[$0 $*]"\n', mode: 0o755 })),
  { path: 'etc/passwd', data: 'root:x:0:0::/root:/bin/sh\n' }, { path: 'etc/group', data: 'root:x:0:\n' }, { path: 'tmp', type: 'Directory', mode: 0o1777 },
]
const images = [
  { name: busybox, config: { Cmd: ['sh'], Env: ['PATH=/bin'] } },
  { name: entrypointTester, config: { Entrypoint: ['/entrypoint-tester'], Cmd: ['default', 'arguments'], Env: ['PATH=/bin'] } },
  { name: pause, config: { Entrypoint: ['/bin/sh', '-c', 'trap "exit 0" TERM INT; while :; do sleep 3600 & wait $!; done'], Env: ['PATH=/bin'] } },
]

const loadImages = async (cluster: TestCluster): Promise<void> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wherry-image-'))
  try {
    for (const { name, config } of images) {
      const file = path.join(folder, `${name}.tar`)
      await writeFile(file, archive(ociFiles({ name: `docker.io/library/${name}`, layers: [layer()], config })))
      await cluster.wherry('image', 'load', file)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `conformance` on two nodes that have these images. */
export const conformanceOfPods = (file: string, define: (behaviour: Behaviour, world: () => World) => void): void => {
  if (program === undefined) {
    console.log(`SKIPPED ${file}: no static busybox; set-up for tests fetches one`)
    return
  }
  conformance(file, { nodes: 2 }, (behaviour, world) => {
    beforeAll(async () => { await loadImages(world().cluster) })
    define(behaviour, world)
  })
}

type Change<T> = Exclude<WatchEvent<T>, { type: 'BOOKMARK' }>

/** The first event after `resourceVersion` that is wanted: client-go's `watchtools.Until`. */
export const seen = async <T extends KubeObject>(client: Client, kind: Kind<T>, options: { namespace?: string; labelSelector?: string; resourceVersion: string }, wanted: (event: Change<T>) => boolean): Promise<T> => {
  const passed: string[] = []
  for await (const event of client.watch(kind, { ...options, signal: AbortSignal.timeout(60_000) })) {
    if (event.type === 'BOOKMARK') continue
    if (wanted(event)) return event.object
    passed.push(`${event.type} ${JSON.stringify(event.object)}`)
  }
  throw new Error(`no such event of ${kind.plural} within 60 s; seen:\n${passed.join('\n')}`)
}

export const untilPod = (client: Client, at: { namespace: string; name: string }, what: string, wanted: (pod: Pod) => boolean): Promise<Pod> => until(`pod ${at.name} ${what}`, async () => {
  const pod = await client.get(Pods, at)
  if (wanted(pod)) return pod
  throw new Error(JSON.stringify(pod.status))
}, 90)

/** The running pods of a selection, when they are as many as `count` and none is terminating. */
export const running = (client: Client, namespace: string, labelSelector: string, count: number): Promise<Pod[]> => until(`${count} running pods ${labelSelector}`, async () => {
  const pods = (await client.list(Pods, { namespace, labelSelector })).items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  if (pods.length === count && pods.every(isReady)) return pods
  throw new Error(JSON.stringify(pods.map(({ metadata, status }) => [metadata.name, status])))
}, 90)

/** A pod with one container `main`, of `pause` unless told otherwise. */
export const createPod = (client: Client, at: { namespace: string; name: string }, container: Partial<Container>, spec: Partial<PodSpec> = {}): Promise<Pod> =>
  client.create(Pods, { metadata: { ...at, labels: { app: at.name } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: pause, ...container }], ...spec } } as never)
