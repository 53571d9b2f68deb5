/** S8: what the kubelet does to volumes while somebody swaps a directory of theirs for a link to the machine's own files, ten thousand times: mounts of subPaths, a group for all of it, removal. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemMounter } from '../../agents/kubelet/volumes/mounter.ts'
import { giveToGroup, removeTree } from '../../agents/kubelet/volumes/safe-tree.ts'
import { bindSubPath } from '../../agents/kubelet/volumes/sub-path.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot || process.arch !== 'x64') console.log('SKIPPED volume-races.test.ts: mounts need root, and the swapping program is written for x86-64')
const swaps = process.env['WHERRY_FULL'] === '1' ? 10_000 : 500

/** Swaps `dir` and a link to the victim, in one system call each where the kernel can (renameat2 with RENAME_EXCHANGE), and says every now and then how often it did. Arguments: directory, pause in seconds. */
const swapper = `use Time::HiRes 'sleep'; $| = 1; my ($base, $pause) = @ARGV; my $n = 0; $SIG{TERM} = sub { print "$n\\n"; exit 0 };
  while (1) { syscall(316, -100, "$base/dir", -100, "$base/link", 2) == 0 ? ++$n % 100 || print "$n\n" : do { mkdir "$base/dir"; mkdir "$base/dir/deep"; symlink $ENV{VICTIM}, "$base/link" }; sleep $pause if $pause }`

describe.runIf(isRoot && process.arch === 'x64')('S8: a volume whose contents are swapped meanwhile', () => {
  let place: string
  let volume: string
  let victim: string
  let swapping: ChildProcess | undefined
  beforeEach(() => {
    place = mkdtempSync(path.join(tmpdir(), 'wherry-races-'))
    volume = path.join(place, 'volume')
    victim = path.join(place, 'victim')
    mkdirSync(path.join(volume, 'dir/deep'), { recursive: true })
    mkdirSync(path.join(victim, 'deep'), { recursive: true })
    chmodSync(victim, 0o755)
    for (const file of ['kept', 'deep/kept']) { writeFileSync(path.join(victim, file), 'kept'); chmodSync(path.join(victim, file), 0o600) }
    symlinkSync(victim, path.join(volume, 'link'))
  })
  afterEach(() => {
    swapping?.kill('SIGKILL')
    rmSync(place, { recursive: true, force: true })
  })
  const startSwapping = (pauseSeconds = 0): { count(): number; stop(): Promise<number> } => {
    const child = spawn('perl', ['-e', swapper, volume, String(pauseSeconds)], { env: { ...process.env, VICTIM: victim }, stdio: ['ignore', 'pipe', 'inherit'] })
    swapping = child
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString() })
    const count = (): number => Number(said.trimEnd().split('\n').at(-1))
    return { count, stop: () => new Promise((resolve) => { child.on('close', () => { resolve(count()) }); child.kill('SIGTERM') }) }
  }
  const untouched = (): void => {
    for (const file of ['kept', 'deep/kept']) {
      expect(readFileSync(path.join(victim, file), 'utf8')).toBe('kept')
      const { gid, mode } = statSync(path.join(victim, file))
      expect([gid, mode & 0o7777]).toEqual([0, 0o600])
    }
    const { gid, mode } = statSync(victim)
    expect([gid, mode & 0o7777]).toEqual([0, 0o755])
  }
  /** Does `work` until so many swaps have been made: a swap takes some microseconds, and what is done to volumes some milliseconds. */
  const meanwhile = async (work: (round: number) => Promise<boolean>, pauseSeconds = 0): Promise<{ swapped: number; rounds: number; done: number }> => {
    const { count, stop } = startSwapping(pauseSeconds)
    let [rounds, done] = [0, 0]
    for (; rounds < 20 || (done === 0 && rounds < 2000) || count() <= swaps; rounds++) if (await work(rounds)) done++
    return { swapped: await stop(), rounds, done }
  }

  test('a subPath is mounted from inside of it, or not at all', async () => {
    const inside = new Set([statSync(path.join(volume, 'dir')).ino, statSync(path.join(volume, 'dir/deep')).ino])
    const outcome = await meanwhile(async (round) => {
      const target = path.join(place, 'targets', String(round))
      const mounted = await bindSubPath(volume, round % 2 ? 'dir' : 'dir/deep', target, { mounter: systemMounter, make: round % 3 === 0 }).then(() => true, () => false)
      if (!mounted) return false
      const { ino } = statSync(target)
      execFileSync('umount', ['--lazy', '--no-canonicalize', target])
      expect(existsSync(path.join(target, 'kept'))).toBe(false)
      expect(ino === statSync(victim).ino || ino === statSync(path.join(victim, 'deep')).ino).toBe(false)
      return inside.has(ino)
    })
    console.log(`S8: ${outcome.swapped} swaps, ${outcome.rounds} mounts of a subPath tried, ${outcome.done} made, 0 outside`)
    expect(outcome.swapped).toBeGreaterThan(swaps)
    expect(outcome.done).toBeGreaterThan(0)
    untouched()
  }, 120_000)

  test('a group gets what is inside, and nothing else', async () => {
    const outcome = await meanwhile(async () => { await giveToGroup(volume, { gid: 4242, fileBits: 0o660 }).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error }); return statSync(volume).gid === 4242 })
    console.log(`S8: ${outcome.swapped} swaps, ${outcome.rounds} times all of a volume given to a group, 0 outside`)
    expect(outcome.swapped).toBeGreaterThan(swaps)
    expect(outcome.done).toBe(outcome.rounds)
    untouched()
  }, 120_000)

  test('its removal takes away nothing else', async () => {
    const outcome = await meanwhile(async () => {
      mkdirSync(path.join(volume, 'dir/deep'), { recursive: true })
      // One that keeps making things anew can keep the directory, and nothing more.
      return removeTree(volume).then(() => true, (error: NodeJS.ErrnoException) => { if (!/keeps changing/.test(error.message)) throw error; return false })
    })
    console.log(`S8: ${outcome.swapped} swaps, ${outcome.rounds} removals, 0 outside`)
    untouched()
    await removeTree(volume)
    expect(existsSync(volume)).toBe(false)
  }, 120_000)

  test('a tree deeper than paths can name goes as well', async () => {
    execFileSync('perl', ['-e', 'chdir shift; my $d = "d" x 30; for (1 .. 400) { mkdir $d; open my $f, ">", "f"; symlink $ENV{VICTIM}, "l"; chdir $d or die }', volume], { env: { ...process.env, VICTIM: victim } })
    await removeTree(volume)
    expect(existsSync(volume)).toBe(false)
    untouched()
  }, 60_000)
})
