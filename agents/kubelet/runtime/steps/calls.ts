/** What the steps of sandboxes and of containers have in common. Constants are those of the kernel's headers, the same on all machines that we know numbers for. Pure. */
import { type Argument, type Place, type Result, space, type Steps, text } from './steps.ts'

export const atCwd = -100
export const open = { readOnly: 0, writeOnly: 1, readWrite: 2, create: 0o100, append: 0o2000, closeOnExec: 0o2000000 } as const
export const namespaces = { mount: 0x2_0000, uts: 0x400_0000, ipc: 0x800_0000, process: 0x2000_0000, network: 0x4000_0000 } as const

export const openFile = (steps: Steps, file: string, flags: number): Result => steps.call('openat', [atCwd, text(file), flags, 0o600], `cannot open ${file}`)

/** The file as this descriptor, which may be open already. */
export const openAs = (steps: Steps, descriptor: number, file: string, flags: number): void => {
  const opened = openFile(steps, file, flags | open.closeOnExec)
  steps.call('dup3', [opened, descriptor, 0], `cannot open ${file}`)
  steps.call('close', [opened], `cannot open ${file}`)
}

const bytesOf = (value: string): [Place, number] => { const data = Buffer.from(value); return [{ data, offset: 0 }, data.length] }

export const writeTo = (steps: Steps, file: string, value: string, { mayFail = false } = {}): void => {
  const what = `cannot write ${value.trim()} to ${file}`
  const opened = steps.call('openat', [atCwd, text(file), open.writeOnly | open.closeOnExec, 0], what, { mayFail })
  steps.call('write', [opened, ...bytesOf(value)], what, { mayFail })
  steps.call('close', [opened], what, { mayFail })
}

/** `groups`: directories. */
export const joinGroups = (steps: Steps, groups: readonly string[]): void => { for (const group of groups) writeTo(steps, `${group}/cgroup.procs`, '0') }

/** A session of its own; and the signals that a shell lets what it starts in the background ignore. */
export const beginAnew = (steps: Steps): void => {
  steps.call('setsid', [], 'cannot begin a session', { mayFail: true })
  for (const signal of [2, 3]) steps.call('rt_sigaction', [signal, space(32), 0, 8], 'cannot hear signals')
}

export const setOomScore = (steps: Steps, score: number): void => { writeTo(steps, '/proc/self/oom_score_adj', String(score), { mayFail: true }) }

export const say = (steps: Steps, descriptor: Argument, line: string): void => { steps.call('write', [descriptor, ...bytesOf(line)], 'cannot tell the kubelet') }

export const enter = (steps: Steps, file: string, kind: number): void => {
  const opened = openFile(steps, file, open.readOnly | open.closeOnExec)
  steps.call('setns', [opened, kind], `cannot enter the namespace ${file}`)
  steps.call('close', [opened], `cannot enter the namespace ${file}`)
}

/** Its own number, as this mount of /proc counts, into a file. */
export const notePid = (steps: Steps, file: string): void => {
  const what = `cannot write ${file}`
  const digits = space(24)
  const length = steps.call('readlinkat', [atCwd, text('/proc/self'), digits, 24], what)
  const opened = openFile(steps, file, open.writeOnly | open.create | open.closeOnExec)
  steps.call('write', [opened, digits, length], what)
  steps.call('close', [opened], what)
}

export const execute = (steps: Steps, command: readonly string[], environment: Readonly<Record<string, string>>): void => {
  const [program = ''] = command
  steps.call('execve', [text(program), command.map(text), Object.entries(environment).map(([name, value]) => text(`${name}=${value}`))], `cannot execute ${program}`)
}
