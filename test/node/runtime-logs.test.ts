/** Logs of real containers: whoever is killed, whatever the disk does. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gunzipSync } from 'node:zlib'
import type { RuntimeOptions } from '../../agents/kubelet/runtime/context.ts'
import { logLimits } from '../../agents/kubelet/runtime/logs/log-file.ts'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import { startAgent, plain } from '../support/runtime-agent.ts'
import { aContainer, aSandbox, isRoot, launch, leavePlace, logText, never, newPlace, openRuntime, runToEnd, until, untilExited } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const place = newPlace()
const directory = path.join(place.stateDirectory, 'log-writer')
/** The process that has the node's FIFO of commands as standard input. */
const writerPid = (): number | undefined => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).find((pid) => {
  try { return readlinkSync(`/proc/${pid}/fd/0`) === path.join(directory, 'commands') && readlinkSync(`/proc/${pid}/exe`).endsWith('/log-writer') } catch { return false }
})
/** Numbers, as fast as they can be written, until it is told to end; then the last. */
const flood = ['perl', '-e', '$| = 1; my ($n, $on) = (0, 1); $SIG{TERM} = sub { $on = 0 }; while ($on) { print join("", map { $n++ . "\\n" } 1 .. 100); select undef, undef, undef, 0.001 } print "last $n\\n"']
const counter = ['perl', '-e', '$| = 1; my ($n, $on) = (0, 1); $SIG{TERM} = sub { $on = 0 }; while ($on) { print $n++, "\\n"; select undef, undef, undef, 0.02 } print "bye\\n"']
const numbersIn = (text: string): number[] => text.split('\n').slice(0, -2).map(Number)
const everything = (file: string): string => {
  const rotated = readdirSync(path.dirname(file)).filter((name) => name.startsWith(`${path.basename(file)}.`)).sort()
  const texts = [...rotated.map((name) => path.join(path.dirname(file), name)), file].map((each) => (each.endsWith('.gz') ? gunzipSync(readFileSync(each)).toString() : readFileSync(each, 'utf8')))
  return texts.join('').split('\n').filter(Boolean).map((line) => line.replace(/^\S+ (stdout|stderr) [FP] /, '') + (/^\S+ \S+ F /.test(line) ? '\n' : '')).join('')
}

/** Everything, once the last word is there: the writer may be behind, and in the middle of a turn. */
const wholeLog = (file: string): Promise<string> => until('the last word', () => {
  try { const text = everything(file); return /last \d+\n$/.test(text) ? text : undefined } catch { return undefined }
})

sayWhatIsSkipped('runtime-logs.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('logs', () => {
  let runtime: ProcessRuntime | undefined
  const open = async (over: Partial<RuntimeOptions> = {}): Promise<ProcessRuntime> => { runtime = await openRuntime(place, over); return runtime }
  beforeAll(() => { mkdirSync(path.join(place.scratch, 'logs'), { recursive: true }) })
  afterAll(async () => {
    await (runtime ?? await open()).destroy()
    expect(writerPid()).toBeUndefined()
    leavePlace(place)
  })
  const close = (): void => { runtime?.close(); runtime = undefined }

  test('a program that never stops talking, and a kubelet that is killed and killed: every line once, and none waits for a kubelet', async () => {
    let agent = await startAgent(place)
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('flood')) })
    const spec = aContainer(place, 'flood', flood)
    await agent.tell({ do: 'launch', spec })
    const writer = await until('the log writer', writerPid)
    for (let time = 0; time < 4; time++) {
      await agent.kill()
      const before = readFileSync(spec.logPath).length
      await until('the log to go on without a kubelet', () => readFileSync(spec.logPath).length > before + 65_536)
      agent = await startAgent(place)
    }
    expect(writerPid()).toBe(writer)
    await agent.tell({ do: 'stop', podUid: 'flood', name: 'main', graceSeconds: 60 })
    const text = await wholeLog(spec.logPath)
    const numbers = numbersIn(text)
    expect(text.endsWith(`last ${numbers.length}\n`)).toBe(true)
    expect(numbers.every((number, index) => number === index)).toBe(true)
    await agent.tell({ do: 'removeSandbox', podUid: 'flood' })
    await agent.kill()
  })

  test('a log that grows is turned over while it is written, and while nobody looks; nothing is lost', async () => {
    const limits = logLimits({ maxBytes: 100_000, maxFiles: 100, maxWorkers: 1 })
    let kubelet = await open({ logLimits: limits })
    await kubelet.runSandbox(aSandbox('turns'), never)
    const spec = aContainer(place, 'turns', flood)
    await launch(kubelet, spec)
    const rotated = (): number => readdirSync(path.dirname(spec.logPath)).length - 1
    await until('it to be turned over twice', () => rotated() >= 2)
    close()
    await until('it to grow without a kubelet', () => readFileSync(spec.logPath).length > 300_000)
    kubelet = await open({ logLimits: limits })
    await until('it to be turned over by the next', () => rotated() >= 3)
    await kubelet.stopContainer('turns', 'main', 60)
    await until('the older ones to be compressed', () => readdirSync(path.dirname(spec.logPath)).filter((name) => name.endsWith('.gz')).length === rotated() - 1)
    const text = await wholeLog(spec.logPath)
    const numbers = numbersIn(text)
    expect(text.endsWith(`last ${numbers.length}\n`)).toBe(true)
    expect(numbers.every((number, index) => number === index)).toBe(true)
    await kubelet.removeSandbox('turns')
    close()
  })

  test('the log writer is killed: another takes over, and no container notices', async () => {
    const kubelet = await open()
    await kubelet.runSandbox(aSandbox('talks'), never)
    const flag = path.join(place.scratch, 'flag')
    const mounts = [{ hostPath: place.scratch, containerPath: '/flag', readOnly: false, propagation: 'private' as const }]
    const spec = aContainer(place, 'talks', ['sh', '-c', 'echo before; until [ -e /flag/flag ]; do sleep 0.02; done; echo after; read forever </dev/zero'], { mounts })
    const pid = await launch(kubelet, spec)
    await until('the first word', () => logText(spec.logPath) === 'before\n')
    const writer = await until('the log writer', writerPid)
    process.kill(writer, 'SIGKILL')
    writeFileSync(flag, '')
    await until('the next word', () => logText(spec.logPath) === 'before\nafter\n')
    expect(await until('another log writer', writerPid)).not.toBe(writer)
    expect((await kubelet.listContainers('talks'))[0]).toMatchObject({ state: 'running', pid })
    await kubelet.removeSandbox('talks')
    close()
  })

  test('a log writer that does not stay is done without, until the next kubelet', async () => {
    const said: string[] = []
    const say = (message: string): void => { said.push(message) }
    const kubelet = await open({ log: { info() {}, debug() {}, warn: say, error: say } })
    await kubelet.runSandbox(aSandbox('alone'), never)
    const spec = aContainer(place, 'alone', counter)
    await launch(kubelet, spec)
    await until('it to be given up', () => {
      const pid = writerPid()
      if (pid) process.kill(pid, 'SIGKILL')
      return said.some((line) => line.startsWith('the log writer ends again and again'))
    }, 60_000)
    const later = aContainer(place, 'alone', ['echo', 'hello'], { name: 'later' })
    expect((await runToEnd(kubelet, later)).output).toBe('hello\n')
    const before = readFileSync(spec.logPath).length
    await until('the log to go on', () => readFileSync(spec.logPath).length > before + 500)
    close()
    const next = await open()
    await until('a log writer', writerPid)
    await next.stopContainer('alone', 'main', 60)
    await until('the last word', () => logText(spec.logPath).endsWith('bye\n'))
    await next.removeSandbox('alone')
    close()
  })

  test('a disk that is full: what is said is dropped by whole lines and that is told, the container goes on; with room again, so does its log', async () => {
    const disk = path.join(place.scratch, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'wherry-log-test', disk])
    try {
      const said: string[] = []
      const say = (message: string, fields?: object): void => { said.push(`${message} ${JSON.stringify(fields)}`) }
      const kubelet = await open({ log: { info() {}, debug() {}, warn: say, error: say } })
      await kubelet.runSandbox(aSandbox('full'), never)
      writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(200_000))
      const spec = aContainer(place, 'full', flood, { logPath: path.join(disk, 'main.log') })
      await launch(kubelet, spec)
      await until('it to be told', () => said.some((line) => line.includes('no space left on device')))
      rmSync(path.join(disk, 'ballast'))
      const size = readFileSync(spec.logPath).length
      await until('it to go on', () => readFileSync(spec.logPath).length > size)
      await kubelet.stopContainer('full', 'main', 60)
      expect((await untilExited(kubelet, 'full')).exitCode).toBe(0)
      expect(said.filter((line) => line.includes('no space left')).length).toBeLessThan(10)
      const lines = readFileSync(spec.logPath, 'utf8').split('\n')
      expect(lines.pop()).toBe('')
      expect(lines.filter((line) => !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout [FP] (last )?\d*$/.test(line))).toEqual([])
      await kubelet.removeSandbox('full')
      close()
    } finally {
      execFileSync('umount', ['--lazy', disk])
    }
  })

  test('who is attached sees what is said from then on, across a turn of the log, to the last word', async () => {
    const kubelet = await open({ logLimits: logLimits({ maxBytes: 2000, maxFiles: 3, maxWorkers: 1 }) })
    await kubelet.runSandbox(aSandbox('seen'), never)
    const spec = aContainer(place, 'seen', ['sh', '-c', 'echo early; read go; n=0; while [ $n -lt 200 ]; do n=$((n+1)); echo "line $n"; sleep 0.005; done; echo -n complaint >&2'], { stdin: true, stdinOnce: true })
    await launch(kubelet, spec)
    await until('the first word', () => logText(spec.logPath) === 'early\n')
    const [out, err]: [string[], string[]] = [[], []]
    async function* input() { yield Buffer.from('go\n') }
    await kubelet.attach('seen', 'main', { tty: false, stdin: input(), resize: undefined, signal: never, stdout: (chunk) => { out.push(Buffer.from(chunk).toString()) }, stderr: (chunk) => { err.push(Buffer.from(chunk).toString()) } })
    expect(out.join('')).toBe(Array.from({ length: 200 }, (_, index) => `line ${index + 1}\n`).join(''))
    expect(err.join('')).toBe('complaint')
    await until('the log after its turn', () => existsSync(spec.logPath))
    expect(readdirSync(path.dirname(spec.logPath)).length).toBeGreaterThan(1)
    await kubelet.removeSandbox('seen')
    close()
  })
})
