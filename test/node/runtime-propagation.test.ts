/** Mount propagation between a machine whose mounts are shared (as systemd makes them) and its containers; the machine here is a mount namespace. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Agent, plain, startAgent } from '../support/runtime-agent.ts'
import { aContainer, aSandbox, isRoot, leavePlace, newPlace, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const place = newPlace('shared')
const volume = path.join(place.scratch, 'volume')

sayWhatIsSkipped('runtime-propagation.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('mount propagation', () => {
  let machine: ChildProcess
  let agent: Agent
  const inside = (...command: string[]): string => execFileSync('nsenter', [`--mount=/proc/${machine.pid}/ns/mnt`, ...command], { encoding: 'utf8' })
  /** Where something is mounted that is of this test: below its directories, or from a source that bears its name. A directory that somebody else removes takes its mounts along, here too. */
  const mounts = (): string[] => readFileSync(`/proc/${machine.pid}/mountinfo`, 'utf8').split('\n').map((line) => line.split(' '))
    .filter((fields) => [place.scratch, place.stateDirectory].some((own) => fields[4]?.startsWith(`${own}/`)) || fields.at(-2)?.includes(place.clusterId)).map((fields) => fields[4] ?? '')

  beforeAll(async () => {
    mkdirSync(volume)
    // First private, so that nothing comes back to the real machine; then shared among its own.
    machine = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'mount --make-rshared / && exec sleep infinity'], { stdio: 'ignore' })
    await until('a machine', () => machine.pid && readlinkSync(`/proc/${machine.pid}/ns/mnt`) !== readlinkSync('/proc/self/ns/mnt') && readFileSync(`/proc/${machine.pid}/comm`, 'utf8') === 'sleep\n')
    inside('mount', '-t', 'tmpfs', 'volume', volume)
    agent = await startAgent(place, [`--mount=/proc/${machine.pid}/ns/mnt`])
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('both')) })
    await launch('private', 'private')
    await launch('slave', 'rslave')
  })
  afterAll(async () => {
    await agent.tell({ do: 'destroy' }).catch(() => {})
    await agent.kill()
    machine.kill('SIGKILL')
    leavePlace(place)
  })
  const launch = (name: string, propagation: 'private' | 'rslave' | 'rshared', hostPath = volume): Promise<unknown> =>
    agent.tell({ do: 'launch', spec: aContainer(place, 'both', ['sleep', '1000'], { name, privileged: true, mounts: [{ hostPath, containerPath: '/volume', readOnly: false, propagation }] }) })
  const exec = (name: string, ...command: string[]): Promise<unknown> => agent.tell({ do: 'exec', podUid: 'both', name, command })

  test('what the machine mounts is seen by those who asked for it', async () => {
    inside('mkdir', `${volume}/later`)
    inside('mount', '-t', 'tmpfs', 'later', `${volume}/later`)
    expect(await exec('slave', 'grep', '-c', '/volume/later', '/proc/self/mountinfo')).toBe('1\n')
    expect(await exec('private', 'grep', '-c', '/volume/later', '/proc/self/mountinfo')).toBe('0\n')
  })

  test('what a container mounts is seen by the machine, and nothing else of the container is', async () => {
    const before = mounts()
    await launch('shared', 'rshared')
    await exec('shared', 'sh', '-c', `mkdir /volume/mine && mount -t tmpfs mine-${place.clusterId} /volume/mine && mount -t tmpfs other-${place.clusterId} /mnt`)
    expect(await exec('shared', 'grep', '-cE', `(mine|other)-${place.clusterId}`, '/proc/self/mountinfo')).toBe('2\n')
    const added = mounts().filter((each) => !before.includes(each))
    expect(added.sort()).toEqual([path.join(place.dataDirectory, 'template'), `${volume}/mine`].sort())
    expect(mounts()).toEqual(expect.arrayContaining(before))
    expect(await exec('slave', 'grep', '-c', '/volume/mine', '/proc/self/mountinfo')).toBe('1\n')
    inside('umount', `${volume}/mine`)
  })

  test('a path that passes nothing on is refused by name', async () => {
    mkdirSync(path.join(place.scratch, 'lonely'))
    const lonely = path.join(place.scratch, 'lonely')
    inside('mount', '-t', 'tmpfs', 'lonely', lonely)
    inside('mount', '--make-private', lonely)
    await expect(launch('refused', 'rshared', lonely)).rejects.toThrow(`path "${lonely}" is mounted on "${lonely}" but it is not a shared mount`)
  })

  test('destroyed, its own mounts are gone', async () => {
    await agent.tell({ do: 'destroy' })
    expect(mounts().filter((each) => each.startsWith(place.dataDirectory))).toEqual([])
  })
})
