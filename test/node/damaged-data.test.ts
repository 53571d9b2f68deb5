/** A cluster whose data directory is on a full disk, whose store has a damaged tail, and that is started twice: nothing that was acknowledged is lost. */
import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigMaps } from '../../src/api/kinds.ts'
import { StatusError } from '../../src/api/status.ts'
import { homeAt } from '../../src/cluster/home.ts'
import { runningKeeper } from '../../src/cluster/keeper.ts'
import { entry, isRoot, until } from '../support/cluster.ts'
import { type LiveClient, liveClient } from '../support/live-client.ts'
import { killHard, kubeletOf, processesOf } from '../support/seen-from-outside.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('damaged-data.test.ts')
const diskBytes = 160 << 20

describe.runIf(isRoot)('data', () => {
  let directory: string
  const wherry = (...args: string[]) => execa(process.execPath, [entry, '--data-dir', directory, ...args], { stdin: 'ignore', timeout: 150_000, reject: false })
  const up = ['up', '--detach', '--wait', '--isolated']
  let live: LiveClient
  const connected = (): LiveClient => liveClient({ kubeconfig: homeAt(directory).kubeconfig })
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'wherry-data-'))
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'wherry-test', directory])
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await rm(path.join(directory, 'filler'), { force: true })
    await wherry('down')
    await execa('umount', ['-l', directory])
    await rm(directory, { recursive: true })
  })
  const create = (name: string, bytes = 10): Promise<boolean | StatusError> => live.client.create(ConfigMaps, { metadata: { name, namespace: 'default' }, data: { text: 'x'.repeat(bytes) } } as never)
    .then(() => true, (error: unknown) => { if (error instanceof StatusError) return error; throw error })
  const names = async (): Promise<string[]> => (await live.client.list(ConfigMaps, { namespace: 'default' })).items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt')

  test('two `up` at once make one cluster', async () => {
    const both = await Promise.all([wherry(...up), wherry(...up)])
    expect(both.map(({ exitCode, stderr }) => `${String(exitCode)} ${stderr}`)).toEqual([expect.stringMatching(/^0 /), expect.stringMatching(/^0 /)])
    expect(both.filter(({ stderr }) => /another wherry up \(pid \d+\) is at work on this cluster/.test(stderr))).toHaveLength(1)
    const home = homeAt(directory)
    const kubelets = (await execa('ps', ['-eo', 'args'])).stdout.split('\n').filter((line) => line.includes('kubelet --node-name=') && line.includes(directory) && !line.startsWith('sh '))
    expect(kubelets).toHaveLength(1)
    expect(kubeletOf({ home })).toBeGreaterThan(1)
    live = connected()
    expect(await create('kept')).toBe(true)
  })

  test('an unknown kind and an invalid field: refused by name, with the file', async () => {
    const file = path.join(directory, 'mine.yaml')
    await writeFile(file, 'apiVersion: v1\nkind: Spaceship\nmetadata: { name: a }\n')
    const unknown = await wherry('up', '--detach', '-f', file)
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('mine.yaml: no matches for kind "Spaceship" in version "v1"')])
    await writeFile(file, 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [{ name: "Not A Name", image: host }] }\n')
    const invalid = await wherry('up', '--detach', '-f', file)
    expect([invalid.exitCode, invalid.stderr]).toEqual([1, expect.stringMatching(/mine\.yaml: .*spec\.containers\[0\]\.name: Invalid value: "Not A Name"/)])
  })

  test('a full disk: writes are refused, reads go on, and when there is room again so do writes', async () => {
    const filler = path.join(directory, 'filler')
    await execa('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M', `count=${diskBytes >> 20}`], { reject: false })
    expect((await stat(filler)).size).toBeGreaterThan(1 << 20)
    const acknowledged: string[] = []
    let refusal: boolean | StatusError = true
    for (let index = 0; refusal === true && index < 200; index++) {
      refusal = await create(`full-${index}`, 200_000)
      if (refusal === true) acknowledged.push(`full-${index}`)
    }
    expect(refusal).toBeInstanceOf(StatusError)
    if (refusal === true || refusal === false) return
    expect(refusal.status.code).toBeGreaterThanOrEqual(500)
    expect(refusal.message).toMatch(/space|full/i)
    expect(await names()).toEqual(expect.arrayContaining(['kept', ...acknowledged]))
    await rm(filler)
    await until('writes are taken again', async () => (await create('after')) === true)
    expect(await names()).toEqual(expect.arrayContaining(['kept', 'after', ...acknowledged]))
  })

  test('a damaged tail of the store costs nothing that was acknowledged', async () => {
    const before = await names()
    const home = homeAt(directory)
    const kubelet = kubeletOf({ home })
    const server = processesOf({ home }, await live.pod('kube-apiserver-node-1', 'kube-system'))
    live[Symbol.dispose]()
    // As when the power fails: nobody closes anything.
    const keeper = await runningKeeper(home.node('node-1').keeperPid)
    killHard(keeper?.pid)
    killHard(kubelet)
    server.forEach(killHard)
    const newest = (await readdir(home.store)).filter((name) => /\.log$|^log|wal/.test(name)).toSorted().at(-1)
    if (!newest) throw new Error(`no log among ${(await readdir(home.store)).join(' ')}`)
    await appendFile(path.join(home.store, newest), Buffer.from('half a record \0\0\0\u0007'))
    const ended = await wherry(...up)
    expect([ended.exitCode, ended.stderr]).toEqual([0, expect.stringContaining('everything runs')])
    live = connected()
    expect((await names()).toSorted()).toEqual(before.toSorted())
    expect(await create('written-after')).toBe(true)
  })
})
