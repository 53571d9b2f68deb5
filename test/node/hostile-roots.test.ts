/**
 * Roots that were made to be entered: whoever sets a container up, or runs one more command in it, comes as the machine's root, and must neither run nor believe anything that lies there.
 * What lies there is a container's own: its image, its volumes, what it has written.
 */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pods } from '../../src/api/kinds.ts'
import type { Container, Pod, PodSpec } from '../../src/api/types.ts'
import { isReady, type KubeletNode, shell, startKubeletNode } from '../support/kubelet-node.ts'
import { collect, isRoot, until } from '../support/runtime-node.ts'

if (!isRoot) console.log('SKIPPED hostile-roots.test.ts: containers of real processes need root')

const volumes: PodSpec['volumes'] = [{ name: 'e', emptyDir: {} }]
const prepared = (script: string): Partial<PodSpec> => ({ volumes, initContainers: [{ name: 'prepare', image: 'host', command: shell(script), volumeMounts: [{ name: 'e', mountPath: '/e' }] }] })
/** What mount(8) and umount(8) would call for a file system of this machine. */
const helpers = 'for type in ext2 ext3 ext4 xfs btrfs overlay tmpfs proc sysfs mqueue none evil; do for what in mount umount; do printf "#!/bin/sh\\nid >> /e/called\\n" > /e/$what.$type; chmod 755 /e/$what.$type; done; done; mkdir /e/sbin; mv /e/*mount.* /e/sbin; mkdir /e/mount; echo "SRC=x TARGET=/dev/mqueue ROOT=/ OPTS=uhelper=evil,helper=evil" > /e/mount/utab'
const ways: [string, Partial<Container>, Partial<PodSpec>][] = [
  ['as usual', {}, {}],
  ['with a terminal', { tty: true, stdin: true }, {}],
  ['under a filter', { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, {}],
  ['under a filter, without privileges to gain', { securityContext: { seccompProfile: { type: 'RuntimeDefault' }, allowPrivilegeEscalation: false } }, {}],
  ['with users of its own', {}, { hostUsers: false }],
]

describe.runIf(isRoot)('a root that was made to be entered', () => {
  let node: KubeletNode
  beforeAll(async () => { node = await startKubeletNode() })
  afterAll(async () => {
    for (const { metadata } of (await node.client.list(Pods)).items) await node.client.delete(Pods, { name: metadata.name, namespace: 'default' }, { gracePeriodSeconds: 0 })
    const directory = path.join(node.directory, 'pods')
    await until('volumes to be unmounted', () => !existsSync(directory) || readdirSync(directory).length === 0)
    await node[Symbol.asyncDispose]()
  })
  const run = async (name: string, container: Partial<Container>, spec: Partial<PodSpec>): Promise<Pod> => {
    await node.create(name, { container: { command: ['sleep', '1000'], ...container }, spec })
    return node.untilPod(name, 'is ready', isReady)
  }
  const e = (mountPath: string, subPath?: string): object => ({ name: 'e', mountPath, ...(subPath && { subPath }) })

  describe.each(ways)('%s', (way, container, spec) => {
    const name = way.replaceAll(/[^a-z]/g, '')

    test('no helper of it is called for what is mounted and unmounted', async () => {
      const pod = await run(`helpers-${name}`, { ...container, volumeMounts: [e('/e'), e('/usr/sbin', 'sbin'), e('/run/mount', 'mount')] as never }, { ...prepared(helpers), ...spec })
      expect((await node.exec(pod, 'ls /usr/sbin | grep -c mount; ls /run/mount; cat /e/called')).out).toBe('24\nutab\n')
    })

    test('no library of it is loaded', async () => {
      const pod = await run(`preload-${name}`, { ...container, volumeMounts: [e('/etc/ld.so.preload', 'preload')] as never }, { ...prepared('echo /evil.so > /e/preload'), ...spec })
      // The command itself is the container's own, and complains for itself.
      expect((await node.exec(pod, ':')).err.match(/evil\.so/g)).toEqual(['evil.so'])
      for (const tty of [false, true]) expect((await collect(node.runtime, pod.metadata.uid, ['/bin/true'], { tty })).out.concat((await collect(node.runtime, pod.metadata.uid, ['/bin/true'], { tty: false })).err).match(/evil\.so/g)?.length).toBe(tty ? 2 : 1)
    })

    test('nobody is who it says', async () => {
      const securityContext = { ...container.securityContext, runAsUser: 12345, runAsGroup: 23456 }
      const pod = await run(`names-${name}`, { ...container, securityContext, volumeMounts: [e('/etc/passwd', 'passwd'), e('/etc/group', 'group'), e('/etc/nsswitch.conf', 'nsswitch')] as never },
        { ...prepared('echo 12345:x:0:0::/:/bin/sh > /e/passwd; echo 23456:x:0: > /e/group; echo "passwd: files evil" > /e/nsswitch'), ...spec })
      const status = 'grep -E "^(Uid|Gid):" /proc/self/status /proc/1/status'
      expect((await node.exec(pod, status)).out.split('\n').filter(Boolean).map((line) => line.split('\t').slice(1))).toEqual([12345, 23456, 12345, 23456].map((number) => Array.from({ length: 4 }, () => String(number))))
    })
  })
})
