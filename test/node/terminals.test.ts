/** Terminals of containers, as `kubectl exec -it`, `attach` and `run -it` have them: found by name in the container, with a size, signals and job control. */
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import type { ContainerSpec, ExecOptions } from '../../agents/kubelet/runtime/runtime.ts'
import { aContainer, aSandbox, isRoot, launch, leavePlace, logText, never, newPlace, openRuntime, until, untilExited } from '../support/runtime-node.ts'

const busybox = [path.resolve(import.meta.dirname, '../../.cache/debian/root/bin/busybox'), '/bin/busybox'].find((file) => existsSync(file))
if (!busybox) console.log('SKIPPED terminals.test.ts: containers with a root file system of their own: no static busybox; set-up for tests fetches one')

const place = newPlace()

/** A person at a terminal: types when the screen shows what is waited for. */
const person = (script: readonly (readonly [awaited: string, typed: string])[]) => {
  const seen: string[] = []
  const screen = (): string => seen.join('')
  async function* stdin() {
    let from = 0
    for (const [awaited, typed] of script) {
      await until(JSON.stringify(awaited), () => screen().indexOf(awaited, from) >= 0).catch((error: Error) => { throw new Error(`${error.message} on ${JSON.stringify(screen())}`) })
      from = screen().indexOf(awaited, from) + awaited.length
      yield Buffer.from(typed)
    }
  }
  return { screen, streams: { tty: true, stdin: stdin(), stdout: (chunk: Uint8Array) => { seen.push(Buffer.from(chunk).toString()) }, stderr() {}, resize: undefined, signal: never } satisfies Omit<ExecOptions, 'command'> }
}

/** The prompt is made of two pieces, so that the line that sets it does not look like it. */
const prompt = ['PS1=re; PS1=${PS1}ady:; ', 'ready:'] as const

describe.skipIf(!isRoot)('terminals', () => {
  let runtime: ProcessRuntime
  const roots: { name: string; over: Partial<ContainerSpec> }[] = [{ name: 'image: host', over: {} }]
  if (busybox) {
    const root = path.join(place.scratch, 'image')
    for (const each of ['bin', 'etc', 'tmp']) mkdirSync(path.join(root, each), { recursive: true })
    copyFileSync(busybox, path.join(root, 'bin/busybox'))
    for (const each of ['sh', 'tty', 'stty', 'ps', 'sleep', 'cat', 'echo', 'id', 'readlink', 'ls', 'script', 'stat']) symlinkSync('busybox', path.join(root, 'bin', each))
    roots.push({ name: 'a root file system of its own', over: { image: { kind: 'root', id: 'sha256:0', path: root } } })
  }
  beforeAll(async () => {
    runtime = await openRuntime(place)
    for (const [index, { over }] of roots.entries()) {
      await runtime.runSandbox(aSandbox(`pod-${index}`), never)
      await launch(runtime, aContainer(place, `pod-${index}`, ['sh', '-c', 'while :; do sleep 1000; done'], over))
    }
  })
  afterAll(async () => {
    await runtime.destroy()
    leavePlace(place)
  })

  describe.each(roots.map(({ name, over }, index) => ({ name, over, pod: `pod-${index}` })))('$name', ({ over, pod }) => {
    const exec = async (command: readonly string[], script: readonly (readonly [string, string])[] = [], more: Partial<ExecOptions> = {}) => {
      const { screen, streams } = person(script)
      const code = await runtime.exec(pod, 'main', { ...streams, ...(script.length === 0 && { stdin: undefined }), command, ...more })
      return { code, screen: screen() }
    }

    test('exec: tty names it, and it is there', async () => {
      expect(await exec(['sh', '-c', 'tty; readlink /proc/self/fd/0; test -c "$(tty)" && echo here >"$(tty)"; exit 5'])).toEqual({ code: 5, screen: '/dev/pts/0\r\n/dev/pts/0\r\nhere\r\n' })
    })

    test('exec: several at a time have one each', async () => {
      const both = await Promise.all([0, 1].map(() => exec(['sh', '-c', 'tty; read line'], [['/dev/pts/', '\r']])))
      expect(new Set(both.map(({ screen }) => /\/dev\/pts\/\d+/.exec(screen)?.[0])).size).toBe(2)
    })

    test('exec: it controls its session, and a shell with job control stops and continues its jobs', async () => {
      const { screen, code } = await exec(['sh', '-i'], [['', `${prompt[0]}\r`], [prompt[1], "sh -c 'echo u''p; exec cat'\r"], ['up\r\n', '\u001a'], ['topped', 'jobs\r'], [prompt[1], 'fg\r'], ['exec cat', 'again\r'], ['again\r\nagain', '\u0003'], [prompt[1], 'echo /dev/tty >/dev/tty; exit 7\r']])
      expect(screen).not.toMatch(/job control|not a tty|cannot access/i)
      expect(screen).toContain('\r\n/dev/tty\r\n')
      expect(code).toBe(7)
    })

    test('exec: Ctrl-C interrupts', async () => {
      expect(await exec(['sh', '-c', 'trap "echo interrupted; exit 3" INT; echo up; while :; do sleep 1; done'], [['up', '\u0003']])).toMatchObject({ code: 3, screen: expect.stringContaining('interrupted') as string })
    })

    test('exec: its size, and SIGWINCH when it changes', async () => {
      let wide = (): void => {}
      const asked = new Promise<void>((resolve) => { wide = resolve })
      async function* resize() { yield { columns: 132, rows: 43 }; await asked; yield { columns: 99, rows: 33 } }
      const seen: string[] = []
      const code = await runtime.exec(pod, 'main', { tty: true, stdin: undefined, stderr() {}, signal: never, resize: resize(), command: ['sh', '-c', 'while [ "$(stty size 2>/dev/null)" != "43 132" ]; do sleep 0.02; done; trap "stty size; exit 4" WINCH; echo first; while :; do sleep 0.05; done'],
        stdout(chunk) { seen.push(Buffer.from(chunk).toString()); if (seen.join('').includes('first')) wide() } })
      expect([code, seen.join('')]).toEqual([4, 'first\r\n33 99\r\n'])
    })

    test('exec: a user other than root owns it', async () => {
      const spec = aContainer(place, pod, ['sleep', '1000'], { ...over, name: 'user', runAsUser: 1234, runAsGroup: 4321 })
      await launch(runtime, spec)
      const seen: string[] = []
      const code = await runtime.exec(pod, 'user', { tty: true, stdin: undefined, stderr() {}, signal: never, resize: undefined, command: ['sh', '-c', 'stat -c "%u %a" "$(tty)"; echo mine >"$(tty)"'], stdout(chunk) { seen.push(Buffer.from(chunk).toString()) } })
      expect([code, seen.join('')]).toEqual([0, '1234 620\r\nmine\r\n'])
    })

    test('exec: everything that was shown arrives', async () => {
      const { screen } = await exec(['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo "line $i of many"; i=$((i+1)); done'])
      expect(screen.split('\r\n').slice(-2)).toEqual(['line 2999 of many', ''])
      expect(screen.split('\r\n')).toHaveLength(3001)
    })

    test('a container with a terminal: its name, /dev/console, its processes', async () => {
      const spec = aContainer(place, pod, ['sh', '-c', 'tty; [ "$(stat -c %t:%T /dev/console)" = "$(stat -c %t:%T /dev/pts/0)" ] && echo console; echo seen >/dev/console; read line; echo "[$line]"; exit 6'], { ...over, name: 'screen', stdin: true, tty: true })
      await launch(runtime, spec)
      await until('its terminal', () => logText(spec.logPath).includes('seen'))
      const { screen, streams } = person([['', 'hello\r'], ['[hello]', '']])
      await runtime.attach(pod, 'screen', streams)
      expect(screen()).toContain('hello\r\n[hello]\r\n')
      expect(logText(spec.logPath)).toMatch(/^\/dev\/pts\/0\r\nconsole\r\nseen\r\n/)
      expect((await untilExited(runtime, pod, 'screen')).exitCode).toBe(6)
    })

    test('a container with a terminal says all that it has to say before it is over', async () => {
      const spec = aContainer(place, pod, ['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done'], { ...over, name: 'talker', tty: true })
      await launch(runtime, spec)
      expect((await untilExited(runtime, pod, 'talker')).exitCode).toBe(0)
      expect(logText(spec.logPath).split('\r\n').slice(-2)[0]).toBe('line 2999')
    })
  })

  const exec = async (command: readonly string[], script: readonly (readonly [string, string])[]): Promise<string> => {
    const { screen, streams } = person(script)
    await runtime.exec('pod-0', 'main', { ...streams, command })
    return screen()
  }

  test('ps shows the terminal of a process', async () => {
    expect(await exec(['ps', '-o', 'tty=,comm=', '-p', '1'], [['', '']])).toMatch(/^\?/)
    expect(await exec(['sh', '-c', 'ps -o tty=,comm= -p $$'], [['', '']])).toMatch(/^pts\/0\s+sh\r\n$/)
  })

  test.runIf(existsSync('/usr/bin/tmux'))('tmux runs in it', async () => {
    const screen = await exec(['tmux', '-f', '/dev/null', '-S', '/tmp/tmux-socket', 'new-session', 'sh -c "tty; stty size; read line; echo got-\\$line; read line"'], [['23 80', 'word\r'], ['got-word', '\r'], ['exited', '']])
    expect(screen).toContain('23 80')
  })

  test('script records it', async () => {
    expect(await exec(['script', '-qec', 'tty', '/dev/null'], [['', '']])).toMatch(/^\/dev\/pts\/\d+\r\n$/)
  })
})
