/** In a real pseudo-terminal: however the dashboard ends, the terminal is what it was, and the exit code tells how it ended. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { spawn } from '@lydell/node-pty'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildDashboard, kubeconfig } from './built.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-ui-'))
  await buildDashboard(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Ended { output: string; code: string; terminal: string }

/** Runs it in a shell in a terminal; `act` gets the running program's way to be typed at and signalled once the first frame is there. */
const run = async (act: (on: { type(text: string): void; signal(name: string): void }) => void, environment: Record<string, string> = {}): Promise<Ended> => {
  const config = path.join(folder, `kubeconfig-${Math.trunc(performance.now())}`)
  await writeFile(config, kubeconfig(9))
  const script = `stty sane; "$NODE" "$UI" & PID=$!; echo "pid=$PID"; fg >/dev/null 2>&1; CODE=$?; echo; echo "code=$CODE"; stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|echo)$' | tr '\\n' ' '; echo "over."`
  const terminal = spawn('bash', ['-m', '-c', script], { cols: 80, rows: 24, cwd: folder, env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', HOME: folder, LANG: 'C.UTF-8', NODE: process.execPath, UI: path.join(folder, 'ui.js'), KUBE: config, ...environment } })
  const { promise, resolve } = Promise.withResolvers<Ended>()
  let output = ''
  let acted = false
  terminal.onData((data) => {
    output += data
    const pid = Number(/pid=(\d+)/.exec(output)?.[1] ?? 0)
    if (!acted && output.includes('Start it with') && pid > 0) {
      acted = true
      act({ type: (text) => terminal.write(text), signal: (name) => process.kill(pid, name) })
    }
    const code = /code=(\d+)/.exec(output)?.[1]
    if (code !== undefined && output.includes('over.')) resolve({ output, code, terminal: /code=\d+\s+([^.]*)over\./.exec(output)?.[1]?.trim() ?? '' })
  })
  terminal.onExit(() => resolve({ output, code: /code=(\d+)/.exec(output)?.[1] ?? '', terminal: '' }))
  return promise
}

test.each([
  ['q', (on: { type(text: string): void }) => on.type('q'), '0'],
  ['^c', (on: { type(text: string): void }) => on.type('\u0003'), '0'],
  [':q', (on: { type(text: string): void }) => on.type(':q\r'), '0'],
  ['SIGTERM', (on: { signal(name: string): void }) => on.signal('SIGTERM'), '143'],
  ['SIGHUP', (on: { signal(name: string): void }) => on.signal('SIGHUP'), '129'],
] as const)('%s', async (_, act, code) => {
  const ended = await run(act as Parameters<typeof run>[0])
  expect(ended.code, ended.output).toBe(code)
  expect(ended.terminal).toBe('icanon echo')
  expect(ended.output.lastIndexOf('\u001b[?1049l')).toBeGreaterThan(ended.output.lastIndexOf('\u001b[?1049h'))
  expect(ended.output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(ended.output.lastIndexOf('\u001b[?25l'))
  // Nothing of a frame is drawn once the main screen is back.
  expect(ended.output.slice(ended.output.indexOf('\u001b[?1049l'))).not.toContain('pods(all)')
})

test('a crash', async () => {
  const ended = await run(() => undefined, { CRASH: '1' })
  expect(ended.code, ended.output).toBe('1')
  expect(ended.terminal).toBe('icanon echo')
  const back = ended.output.indexOf('\u001b[?1049l')
  expect(ended.output.indexOf('crashed on purpose', back)).toBeGreaterThan(back)
})

test('without a terminal: one line about what is wrong, and no screen', async () => {
  const config = path.join(folder, 'kubeconfig-pipe')
  await writeFile(config, kubeconfig(9))
  const { stdout, stderr, code } = await new Promise<{ stdout: string; stderr: string; code: unknown }>((resolve) => {
    execFile(process.execPath, [path.join(folder, 'ui.js')], { env: { ...process.env, KUBE: config } }, (error, out, err) => resolve({ stdout: out, stderr: err, code: error?.code }))
  })
  expect([stdout, code]).toEqual(['', 1])
  expect(stderr).toContain('cannot reach http://127.0.0.1:9')
})
