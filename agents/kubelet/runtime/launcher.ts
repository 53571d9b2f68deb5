/**
 * Starts sandboxes and shims: a small shell in the cgroup of the shims that forks them. A fork of the kubelet itself copies the tables of all its memory and holds its event loop up until the program runs,
 * several milliseconds each time. The shell ends with the kubelet; one that an earlier kubelet has left is ended with the shims that nobody knows (adopt.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { cgroupDirectories } from './cgroups/cgroup.ts'
import { bareEnvironment, type Context, scriptsDirectory, shimCgroup } from './context.ts'
import { quote } from './shim/quote.ts'

export interface Launcher {
  /** Lets the runner carry out the steps in `file` of `directory`, with that as its working directory. `label` tells people who read `ps` what it is. */
  launch(directory: string, file: string, label: string): void
  close(): void
}

export const newLauncher = (context: Omit<Context, 'launcher' | 'logWriter'>): Launcher | undefined => {
  const { runner } = context
  if (!runner) return undefined
  let shell: ChildProcess | undefined
  const start = (): ChildProcess => {
    const child = spawn('sh', [path.join(scriptsDirectory(context), 'launcher'), ...cgroupDirectories(context.hierarchies, shimCgroup(context))], { cwd: context.stateDirectory, detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: bareEnvironment })
    const gone = (error?: Error): void => {
      if (error) context.log.error('cannot start sandboxes and shims', { error: error.message })
      if (shell === child) shell = undefined
    }
    child.on('error', gone)
    child.on('exit', () => { gone() })
    // What was asked of one that has ended is asked for again by those who wait for it.
    child.stdin?.on('error', () => { gone() })
    child.unref()
    return child
  }
  return {
    launch(directory, file, label) {
      shell ??= start()
      // Twice forked, so that nobody has to collect it.
      shell.stdin?.write(`(cd ${quote(directory)} && exec ${quote(runner.program)} ${quote(label)} <${quote(file)} >/dev/null 2>&1 &)\n`)
    },
    close() { shell?.stdin?.end() },
  }
}
