/** Security contexts of real pods: what a container may do is what its pod says. S8, S9, S19, S30 and S31 of the security checks among them. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadImages } from '../../agents/kubelet/images/load.ts'
import { loadedImages } from '../../agents/kubelet/images/loaded-images.ts'
import { readIfThere } from '../../agents/kubelet/runtime/proc/stat.ts'
import { ConfigMaps, Nodes, Pods } from '../../src/api/kinds.ts'
import type { Container, PodSpec } from '../../src/api/types.ts'
import { podSecurity } from '../../src/apiserver/admission/pod-security/pod-security.ts'
import { isReady, type KubeletNode, shell, startKubeletNode } from '../support/kubelet-node.ts'
import { collect, isRoot, newPlace, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

/** As upstream's e2e framework makes pods for namespaces of the level restricted. */
const restricted: Partial<PodSpec> = { securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } } }
const restrictedContainer: Partial<Container> = { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }
const status = (fields: string): string => `grep -E "^(${fields}):" /proc/self/status`

/** Images of directories, as upstream's test images are: one whose user has a number, one with a name, and a program that takes root's rights. */
const makeImages = async (directory: string, scratch: string): Promise<void> => {
  const root = path.join(scratch, 'image')
  for (const each of ['etc', 'lib', 'lib64', 'bin', 'tmp']) mkdirSync(path.join(root, each), { recursive: true })
  const programs = { sh: '/bin/dash', id: '/usr/bin/id', grep: '/bin/grep', ln: '/bin/ln' }
  for (const [name, file] of Object.entries(programs)) copyFileSync(file, path.join(root, 'bin', name))
  const libraries = Object.values(programs).flatMap((file) => execFileSync('ldd', [file], { encoding: 'utf8' }).split('\n')).map((line) => /(\/\S+)/.exec(line)?.[1]).filter((file) => file !== undefined)
  for (const file of new Set(libraries)) {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true })
    copyFileSync(file, path.join(root, file))
  }
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n')
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\nalice:x:1000:\ngroup-in-image:x:50000:alice\n')
  execFileSync('cp', [path.join(root, 'bin/id'), path.join(root, 'bin/nnp')])
  execFileSync('chmod', ['4755', path.join(root, 'bin/nnp')])
  for (const [name, user] of [['plain:1', ''], ['numbered:1', '1234'], ['named:1', 'alice'], ['rootly:1', '0']] as const) await loadImages({ directory, source: root, name, config: { user }, now: new Date() })
}

sayWhatIsSkipped('security-context.test.ts', !isRoot, 'containers of real processes need root')

describe.runIf(isRoot)('the security context of pods', () => {
  const images = newPlace()
  let node: KubeletNode
  beforeAll(async () => {
    mkdirSync(images.dataDirectory, { recursive: true })
    await makeImages(images.dataDirectory, images.scratch)
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    node = await startKubeletNode({ admission: [podSecurity], namespaces: { strict: labels }, images: loadedImages(images.dataDirectory), podPidsLimit: 64 })
  })
  afterAll(async () => {
    await node?.[Symbol.asyncDispose]()
    execFileSync('rm', ['-rf', images.scratch])
  })

  describe('in a namespace of the level restricted', () => {
    for (const image of ['host', 'plain:1']) {
      test(`a pod with ${image} runs as upstream's suite asks for it, and so do its init container, its hook, its probe and commands in it`, async () => {
        const name = `restricted-${image.replace(':', '-')}`
        const filtered = { exec: { command: shell(`${status('Seccomp')} | grep -q 2`) } }
        await node.create(name, { namespace: 'strict', spec: { ...restricted, initContainers: [{ name: 'init', image, command: filtered.exec.command, ...restrictedContainer }] },
          container: { image, ...restrictedContainer, stdin: true, command: shell(`${status('Uid|Gid|CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp')}; read line`), lifecycle: { postStart: filtered }, readinessProbe: { ...filtered, periodSeconds: 1 } } })
        const pod = await node.untilPod(name, 'is ready', isReady, 'strict')
        expect(node.logOf(pod).split('\n')).toEqual(['Uid:\t1000\t1000\t1000\t1000', expect.stringMatching(/^Gid:\t/), 'CapPrm:\t0000000000000000', 'CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000', 'NoNewPrivs:\t1', 'Seccomp:\t2', ''])
        expect((await node.exec(pod, status('Seccomp|NoNewPrivs'))).out).toBe('NoNewPrivs:\t1\nSeccomp:\t2\n')
      })
    }

    for (const [name, spec, container, words] of [
      ['root by number', { ...restricted, securityContext: { ...restricted.securityContext, runAsUser: 0 } }, restrictedContainer, 'runAsUser=0'],
      ['root of a container', restricted, { securityContext: { ...restrictedContainer.securityContext, runAsUser: 0 } }, 'runAsUser=0'],
      ['nobody said not root', { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, restrictedContainer, 'runAsNonRoot != true'],
      ['no profile', { securityContext: { runAsNonRoot: true } }, restrictedContainer, 'seccompProfile'],
    ] as const) test(`S19: ${name} is refused`, async () => {
      await expect(node.create('never', { namespace: 'strict', spec, container })).rejects.toThrow(new RegExp(`violates PodSecurity "restricted:latest": .*${words}`))
    })

    test('S19: root as a word is no user at all', async () => {
      await expect(node.create('never', { namespace: 'strict', spec: { securityContext: { ...restricted.securityContext, runAsUser: '0' as never } }, container: restrictedContainer })).rejects.toThrow(/runAsUser/)
    })

    test('S19: after a crash it is who it was', async () => {
      await node.create('crash', { namespace: 'strict', spec: restricted, container: { ...restrictedContainer, command: shell(`${status('Uid|Groups|NoNewPrivs|Seccomp|CapBnd')}; exit 1`) } })
      const pod = await node.untilPod('crash', 'has crashed twice', ({ status: { containerStatuses } }) => (containerStatuses?.[0]?.restartCount ?? 0) >= 1 && containerStatuses?.[0]?.state?.running === undefined, 'strict')
      await until('the second log', () => node.logOf(pod, 1) !== '')
      expect(node.logOf(pod, 1)).toBe(node.logOf(pod, 0))
      expect(node.logOf(pod)).toContain('Uid:\t1000\t1000\t1000\t1000\n')
    })
  })

  describe('runAsNonRoot', () => {
    for (const [name, image, securityContext, message] of [
      ['an image of root', 'plain:1', {}, 'container has runAsNonRoot and image will run as root (pod: "POD", container: main)'],
      ['an image of root by number', 'rootly:1', {}, 'container has runAsNonRoot and image will run as root (pod: "POD", container: main)'],
      ['an image whose user has a name', 'named:1', {}, 'container has runAsNonRoot and image has non-numeric user (alice), cannot verify user is non-root (pod: "POD", container: main)'],
      ['root by the container', 'numbered:1', { runAsUser: 0 }, 'container\'s runAsUser breaks non-root policy (pod: "POD", container: main)'],
    ] as const) test(`${name} does not run`, async () => {
      const pod = await node.create(`nonroot-${name.replaceAll(' ', '-')}`, { container: { image, command: shell('exit 0'), securityContext: { runAsNonRoot: true, ...securityContext } } })
      const { metadata } = pod
      const waiting = (await node.untilPod(metadata.name, 'waits', ({ status: { containerStatuses } }) => containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError')).status.containerStatuses?.[0]?.state?.waiting
      expect(waiting?.message).toBe(message.replace('POD', `${metadata.name}_default(${metadata.uid})`))
    })
    for (const [image, securityContext, uid] of [['numbered:1', {}, 1234], ['named:1', { runAsUser: 1000 }, 1000], ['plain:1', { runAsUser: 1234 }, 1234]] as const) {
      test(`${image} as ${uid} runs`, async () => { expect((await node.runToEnd(`runs-${image.replace(':', '-')}`, 'id -u', { container: { image, securityContext: { runAsNonRoot: true, ...securityContext } } })).output).toBe(`${uid}\n`) })
    }
  })

  for (const [name, securityContext, effective] of [['unset', { runAsUser: 1000 }, 0], ['true', { runAsUser: 1000, allowPrivilegeEscalation: true }, 0], ['false', { runAsUser: 1000, allowPrivilegeEscalation: false }, 1000]] as const) {
    for (const profile of ['Unconfined', 'RuntimeDefault'] as const) {
      test(`allowPrivilegeEscalation ${name}, ${profile}: a program of root's runs as ${effective}`, async () => {
        expect((await node.runToEnd(`nnp-${name}-${profile.toLowerCase()}`, '/bin/nnp -u', { container: { image: 'plain:1', securityContext: { ...securityContext, seccompProfile: { type: profile } } } })).output).toBe(`${effective}\n`)
      })
    }
  }

  for (const [policy, groups] of [['Merge', '3000 4000 50000'], ['Strict', '3000 4000']] as const) {
    test(`supplementalGroupsPolicy ${policy}: the process and its status say the same`, async () => {
      const { pod, output } = await node.runToEnd(`groups-${policy.toLowerCase()}`, 'id -G', { container: { image: 'plain:1' }, spec: { securityContext: { runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000], supplementalGroupsPolicy: policy } } })
      expect(output).toBe(`${groups}\n`)
      expect(pod.status.containerStatuses?.[0]?.user?.linux).toEqual({ uid: 1000, gid: 3000, supplementalGroups: groups.split(' ').map(Number) })
    })
  }

  test('a profile of the machine: by its name below the kubelet\'s directory; one that is not there keeps the container from being made', async () => {
    mkdirSync(path.join(node.directory, 'seccomp/team'), { recursive: true })
    writeFileSync(path.join(node.directory, 'seccomp/team/quiet.json'), JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }] }))
    const local = (localhostProfile: string) => ({ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile } } })
    expect((await node.runToEnd('local', 'mkdir /tmp/x 2>&1', { container: local('team/quiet.json') })).output).toContain('No space left on device')
    await node.create('local-missing', { container: { ...local('team/none.json'), command: shell('exit 0') } })
    const pod = await node.untilPod('local-missing', 'waits', ({ status: { containerStatuses } }) => containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerError')
    expect(pod.status.containerStatuses?.[0]?.state?.waiting?.message).toContain(`cannot load seccomp profile "${node.directory}/seccomp/team/none.json": ENOENT`)
  })

  test('AppArmor: a machine without it takes no pod that asks for it, but one that wants none', async () => {
    await node.create('apparmor', { container: { command: shell('exit 0'), securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } } })
    const enabled = readIfThere('/sys/module/apparmor/parameters/enabled')?.trim() === 'Y'
    expect((await node.untilPod('apparmor', 'is rejected', ({ status: { phase } }) => phase === 'Failed')).status).toMatchObject({ reason: 'AppArmor', message: expect.stringContaining(enabled ? 'this kubelet applies no AppArmor profiles' : 'Cannot enforce AppArmor: AppArmor is not enabled on the host') })
    expect((await node.runToEnd('apparmor-none', 'echo runs', { container: { securityContext: { appArmorProfile: { type: 'Unconfined' } } } })).output).toBe('runs\n')
  })

  test('SELinux options, on a machine without SELinux, change nothing', async () => {
    expect((await node.runToEnd('selinux', 'echo runs', { spec: { securityContext: { seLinuxOptions: { level: 's0:c0,c1', role: 'r', type: 't', user: 'u' } } } })).output).toBe('runs\n')
  })

  test('recursiveReadOnly: also what is mounted below; without it only the top', async () => {
    const top = path.join(node.place.scratch, 'tree')
    mkdirSync(path.join(top, 'below'), { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'wherry-test', path.join(top, 'below')])
    try {
      const run = async (recursiveReadOnly: 'Enabled' | 'Disabled' | 'IfPossible') => (await node.runToEnd(`rro-${recursiveReadOnly.toLowerCase()}`, 'exec 2>&1; touch /v/x; touch /v/below/x && echo below; true', { container: { volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true, recursiveReadOnly }] }, spec: { volumes: [{ name: 'v', hostPath: { path: top } }] } }))
      const [on, off, either] = [await run('Enabled'), await run('Disabled'), await run('IfPossible')]
      expect([on, off, either].map(({ output }) => output.match(/below$|Read-only file system/gm))).toEqual([['Read-only file system', 'Read-only file system'], ['Read-only file system', 'below'], ['Read-only file system', 'Read-only file system']])
      expect([on, off, either].map(({ pod }) => pod.status.containerStatuses?.[0]?.volumeMounts?.[0]?.recursiveReadOnly)).toEqual(['Enabled', 'Disabled', 'Enabled'])
    } finally {
      execFileSync('umount', [path.join(top, 'below')])
    }
  })

  test('check 17: a fork bomb ends at what the node gives each pod; its sibling, its neighbour and the kubelet go on', async () => {
    const counting = shell('while :; do date +%s; sleep 0.2; done')
    await node.create('bombed', { spec: { containers: [{ name: 'sibling', image: 'host', command: ['sleep', '1000'] }, { name: 'main', image: 'host', command: ['perl', '-e', '$| = 1; my $told; while (1) { my $child = fork; if (!defined $child) { print "full\n" unless $told++; select undef, undef, undef, 0.05 } }'] }] } as never })
    await node.create('neighbour', { container: { command: counting } })
    const pod = await node.untilPod('bombed', 'is ready', isReady)
    const neighbour = await node.untilPod('neighbour', 'is ready', isReady)
    await until('nothing more can be forked', () => node.logOf(pod).includes('full'))
    expect((await node.runtime.listContainers(pod.metadata.uid)).filter(({ state }) => state === 'running').map(({ name }) => name).toSorted()).toEqual(['main', 'sibling'])
    const before = node.logOf(neighbour).length
    await until('the neighbour to go on', () => node.logOf(neighbour).length > before + 20)
    // The kubelet starts and stops what it is asked to, the bomb too.
    expect((await node.runToEnd('after-the-bomb', 'echo runs')).output).toBe('runs\n')
    await node.client.delete(Pods, { name: 'bombed', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await until('the bomb to be gone', async () => (await node.runtime.listContainers(pod.metadata.uid)).length === 0)
  })

  test('the node says what it can', async () => {
    expect((await node.client.get(Nodes, { name: 'node-1' })).status).toMatchObject({ features: { supplementalGroupsPolicy: true }, runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: true, userNamespaces: true } }, { name: 'wherry' }] })
  })

  describe('with users of its own (hostUsers: false)', () => {
    const own: Partial<PodSpec> = { hostUsers: false }
    for (const image of ['host', 'plain:1']) {
      test(`root of ${image} is nobody of the machine's; what is in its root is its own`, async () => {
        await node.create(`users-${image.replace(':', '-')}`, { spec: own, container: { image, stdin: true, command: shell('id -u; id -G; echo >/etc/mine && echo >/tmp/mine && echo wrote; exec 2>&1; echo core >/proc/sys/kernel/core_pattern; read line') } })
        const pod = await node.untilPod(`users-${image.replace(':', '-')}`, 'is ready', isReady)
        expect((await until('its words', () => (node.logOf(pod).split('\n').length > 3 ? node.logOf(pod) : undefined))).split('\n').slice(0, 3)).toEqual(['0', '0', 'wrote'])
        const pid = (await node.runtime.listContainers(pod.metadata.uid)).find(({ state }) => state === 'running')?.pid ?? 0
        const [, uid = ''] = /^Uid:\t(\d+)\t/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
        expect(Number(uid) % 65_536).toBe(0)
        expect(Number(uid)).toBeGreaterThan(65_536)
        expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/)).toEqual(['0', uid, '65536'])
        expect(readlinkSync(`/proc/${pid}/ns/user`)).not.toBe(readlinkSync('/proc/self/ns/user'))
        expect((await collect(node.runtime, pod.metadata.uid, shell('id -u; [ -t 0 ] && echo terminal; echo </dev/tty >/dev/tty && echo its own'), { tty: true })).out.split('\r\n').filter(Boolean)).toEqual(['0', 'terminal', 'its own'])
        const { out } = await node.exec(pod, 'id -u; grep -E "^(Uid|Seccomp)" /proc/self/status')
        expect(out.split('\n').slice(0, 2)).toEqual(['0', 'Uid:\t0\t0\t0\t0'])
      })
    }

    test('volumes are shown with owners as the pod counts them, and written as the machine does', async () => {
      const directory = path.join(node.place.scratch, 'owned')
      mkdirSync(directory)
      writeFileSync(path.join(directory, 'file'), 'kept')
      chownSync(path.join(directory, 'file'), 1000, 1000)
      chmodSync(path.join(directory, 'file'), 0o600)
      await node.client.create(ConfigMaps, { metadata: { name: 'settings', namespace: 'default' }, data: { key: 'value' } } as never)
      const { output } = await node.runToEnd('users-volumes', 'stat -c "%u %g" /v/file; cat /v/file; echo; touch /v/new /e/new && stat -c "%u" /v/new /e/new; cat /c/key; echo; stat -c "%u" /etc/hosts /c/key', { spec: { ...own, volumes: [{ name: 'v', hostPath: { path: directory } }, { name: 'e', emptyDir: {} }, { name: 'c', configMap: { name: 'settings' } }] },
        container: { volumeMounts: [{ name: 'v', mountPath: '/v' }, { name: 'e', mountPath: '/e' }, { name: 'c', mountPath: '/c' }] } })
      expect(output.split('\n')).toEqual(['1000 1000', 'kept', '0', '0', 'value', '0', '0', ''])
      expect(statSync(path.join(directory, 'new')).uid).toBe(0)
    })

    test('as one of its users, under a filter, without rights to gain', async () => {
      const { output } = await node.runToEnd('users-restricted', `id -u; ${status('NoNewPrivs|Seccomp|CapBnd')}`, { namespace: 'strict', spec: { ...own, ...restricted }, container: restrictedContainer })
      expect(output).toBe('1000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n')
    })

    test('its rights end at its own namespaces', async () => {
      const script = 'exec 2>&1; hostname mine && hostname; ip link set lo up && echo network; mount -t tmpfs none /mnt && echo mounted; echo 1 > /proc/sys/vm/drop_caches || echo kernel refused; mknod /dev/sda b 8 0 || echo device refused'
      const { output } = await node.runToEnd('users-rights', script, { spec: own, container: { securityContext: { capabilities: { add: ['SYS_ADMIN', 'NET_ADMIN'] } } } })
      expect(output).toContain('mine\nnetwork\nmounted\n')
      expect(output).toContain('kernel refused')
      expect(output).toContain('device refused')
    })

    test('procMount: all of /proc to see with Unmasked, not without', async () => {
      const run = async (procMount: 'Default' | 'Unmasked') => (await node.runToEnd(`proc-${procMount.toLowerCase()}`, 'grep -c " /proc/" /proc/self/mountinfo', { spec: own, container: { securityContext: { procMount } } })).output.trim()
      expect(Number(await run('Default'))).toBeGreaterThan(3)
      expect(await run('Unmasked')).toBe('0')
    })

    test('no two pods have the same users', async () => {
      const bases = (await Promise.all(['a', 'b'].map((name) => node.runToEnd(`users-base-${name}`, 'cat /proc/self/uid_map', { spec: own })))).map(({ output }) => output.trim().split(/\s+/)[1])
      expect(new Set(bases).size).toBe(2)
    })
  })

  describe('S30: of another pod', () => {
    const secret = 'WORD=kept-to-myself'
    test('nothing can be seen, read, traced or killed, as root with all that containers have and SYS_PTRACE', async () => {
      await node.create('victim', { container: { command: shell(`echo ${secret} > /tmp/secret; exec env ${secret} sleep 1000`) } })
      const victim = await node.untilPod('victim', 'is ready', isReady)
      const pid = (await node.runtime.listContainers(victim.metadata.uid)).find(({ state }) => state === 'running')?.pid ?? 0
      expect(pid).toBeGreaterThan(1)
      await until('it has its name', () => readFileSync(`/proc/${pid}/environ`, 'utf8').includes(secret))
      const script = `ls /proc | grep -E '^[0-9]+$' | tr '\\n' ' '; echo; cat /proc/${pid}/environ; cat /tmp/secret; kill -0 ${pid}; kill -9 ${pid}; kill -9 -1; ls /proc/*/root/tmp/secret; grep -l ${secret.slice(5)} /proc/[0-9]*/environ; nsenter -t ${pid} -m true; exit 0`
      const { output } = await node.runToEnd('attacker', script, { container: { securityContext: { capabilities: { add: ['SYS_PTRACE'] } } } })
      const [pids = '', ...rest] = output.split('\n')
      expect(pids.trim().split(' ').length).toBeLessThan(6)
      expect(rest.join('\n')).not.toContain(secret)
      expect(rest.filter((line) => line.includes(`/proc/${pid}/environ`) && line.includes('No such file'))).toHaveLength(1)
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain(secret)
      expect((await node.untilPod('victim', 'is there', isReady)).status.containerStatuses?.[0]?.restartCount).toBe(0)
    })
  })

  test('S30: each container has a session of keys of its own, in which it finds nobody else\'s', async () => {
    // keyctl(2) by its number on x86-64 and arm64: the session's and the user's keyring (KEYCTL_GET_KEYRING_ID).
    const call = process.arch === 'arm64' ? 219 : 250
    const script = `perl -e 'print syscall(${call}, 0, -3, 0), "\n", syscall(${call}, 0, -5, 0), "\n"'`
    const [one, other] = await Promise.all(['one', 'other'].map(async (name) => (await node.runToEnd(`keys-of-${name}`, script)).output.trim().split('\n').map(Number)))
    expect(one?.[0]).toBeGreaterThan(0)
    expect(new Set([one?.[0], one?.[1], other?.[0]]).size).toBe(3)
  })

  describe('devices: those that every container has, and no other, also for who may mount', () => {
    const nodes = execFileSync('lsblk', ['--noheadings', '--list', '--output', 'MAJ:MIN'], { encoding: 'utf8' }).trim().split('\n').map((each) => each.trim().replace(':', ' '))
    const script = `exec 2>&1; mkdir /x /y; mount -t tmpfs none /x; mknod /x/disk b ${nodes[0]}; head -c 1 /x/disk; for type in ext4 xfs btrfs; do mount -t $type /x/disk /y && ls -A /y; done; mknod /x/kmsg c 1 11; head -c 1 /x/kmsg; mknod /x/null c 1 3 && echo made; echo gone > /x/null && head -c 1 /dev/zero | wc -c; head -c 1 /dev/urandom > /dev/full; ls -A /y`
    for (const [name, container] of [['as usual', {}], ['with a terminal', { tty: true }], ['under a filter', { securityContext: { seccompProfile: { type: 'Unconfined' as const } } }]] satisfies [string, Partial<Container>][]) test(name, async () => {
      const { output } = await node.runToEnd(`devices-${name.replaceAll(' ', '-')}`, script, { container: { ...container, securityContext: { ...container.securityContext, capabilities: { add: ['SYS_ADMIN'] } } } })
      const lines = output.replaceAll('\r', '').split('\n').filter(Boolean)
      expect(lines.filter((line) => line.startsWith('head:'))).toEqual(expect.arrayContaining([expect.stringContaining("'/x/disk' for reading: Operation not permitted"), expect.stringContaining("'/x/kmsg' for reading: Operation not permitted")]))
      expect(lines.filter((line) => line.startsWith('mount:') && /permission denied|Operation not permitted|not permitted/.test(line)).length + lines.filter((line) => /unknown filesystem type/.test(line)).length).toBe(3)
      expect(lines.filter((line) => !/^(head|mount|\s|dmesg)/.test(line))).toEqual(['made', '1'])
    })
  })

  test('S8: a part of a volume that a container has made a link to the machine\'s files is not mounted', async () => {
    await node.create('subpath', { spec: { volumes: [{ name: 'e', emptyDir: {} }], initContainers: [{ name: 'init', image: 'plain:1', command: shell('ln -s /etc /e/sub'), volumeMounts: [{ name: 'e', mountPath: '/e' }] }] },
      container: { image: 'plain:1', command: shell('exit 0'), volumeMounts: [{ name: 'e', mountPath: '/host', subPath: 'sub' }] } })
    const pod = await node.untilPod('subpath', 'waits', ({ status: { containerStatuses } }) => containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError')
    expect(pod.status.containerStatuses?.[0]?.state?.waiting?.message).toContain('failed to prepare subPath for volumeMount "e" of container "main"')
  })

  test('S9: what links in a volume lead to is there when the pod and its volume are gone', async () => {
    const victim = path.join(node.place.scratch, 'victim')
    mkdirSync(victim)
    writeFileSync(path.join(victim, 'kept'), 'kept')
    const { pod } = await node.runToEnd('links', `ln -s ${victim} /e/link; ln -s / /e/root; mkdir /e/deep && ln -s ${victim}/kept /e/deep/file; ls /e`, { spec: { volumes: [{ name: 'e', emptyDir: {} }] }, container: { volumeMounts: [{ name: 'e', mountPath: '/e' }] } })
    const directory = path.join(node.directory, 'pods', pod.metadata.uid)
    expect(existsSync(directory)).toBe(true)
    await node.client.delete(Pods, { name: 'links', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await until('the pod\'s directory to go', () => !existsSync(directory))
    expect(readFileSync(path.join(victim, 'kept'), 'utf8')).toBe('kept')
  })

  describe('S31: its cgroup', () => {
    test('cannot be written, mounted or left', async () => {
      const script = `cat /proc/self/cgroup | sed 's/^[0-9]*:/:/' > /tmp/before; find /sys/fs/cgroup -name '*limit*' -o -name '*.max' -o -name release_agent -o -name cgroup.procs 2>/dev/null | head; ` +
        'for d in /sys/fs/cgroup /sys/fs/cgroup/memory /sys/fs/cgroup/unified; do echo 0 > $d/cgroup.procs; echo 99 > $d/memory.max; echo x > $d/release_agent; mkdir $d/mine; done 2>/dev/null; ' +
        "mkdir /tmp/m; for t in cgroup cgroup2; do mount -t $t none /tmp/m 2>/dev/null && echo mounted; done; unshare --cgroup true 2>/dev/null && echo unshared; umount /sys 2>/dev/null && echo unmounted; mount -o remount,rw /sys 2>/dev/null && echo remounted; " +
        "sed 's/^[0-9]*:/:/' /proc/self/cgroup | cmp - /tmp/before && echo same"
      for (const [name, container] of [['root', {}], ['strict', { securityContext: { runAsUser: 1000, ...restrictedContainer.securityContext } }]] satisfies [string, Partial<Container>][]) {
        expect([name, (await node.runToEnd(`cgroup-${name}`, script, { container: { ...container, resources: { limits: { memory: '64Mi' } } } })).output]).toEqual([name, 'same\n'])
      }
    })
  })
})
