/** The last words to an armed process: environment, directory, program. They go through a FIFO that only root can open, never through arguments or files. Pure. */
import { toolCommand, underFilter } from '../rootfs/tools.ts'
import { isExportable, quote } from './quote.ts'

export interface Program {
  command: readonly string[]
  workingDir: string
  env: readonly { name: string; value: string }[]
  /** A filter is open as descriptor 6 and becomes the program's with its execution, after which nothing of ours needs any system call. */
  filtered?: boolean
}

/** Why a program could not be executed, as the script says it. */
export type StartFailure = 'directory' | 'missing' | 'denied' | 'isDirectory' | 'seccomp' | 'exec'

/**
 * One compound command, so that nothing of it runs before all of it has come. On descriptors 8 and 9 it writes `go`, or `fail <StartFailure>`;
 * descriptor 3 is the program's standard input. Names that no shell can hold travel as arguments of env(1) instead.
 */
export const goScript = ({ command, workingDir, env, filtered }: Program): string => {
  const [program = ''] = command
  const last = new Map(env.map(({ name, value }) => [name, value]))
  const held = [...last].filter(([name]) => isExportable(name))
  const others = [...last].filter(([name]) => !isExportable(name))
  const words = [...(others.length > 0 ? [...toolCommand('env'), ...others.map(([name, value]) => `${name}=${value}`)] : []), ...command]
  return `{
fail() { echo "fail $1" >&8; echo "fail $1" >&9; exit 128; }
cd ${quote(workingDir || '/')} 2>/dev/null || fail directory
unset PWD OLDPWD SHELL PATH
${held.map(([name, value]) => `export ${name}=${quote(value)}\n`).join('')}${check(program)}
echo go >&8; echo go >&9
${filtered ? execUnderFilter(words, last.get('PATH') ?? '') : execute(words)}}
`
}

const execute = (words: readonly string[]): string => `exec 0<&3 3<&- 4<&- 5>&- 8>&- 9>&-\nexec ${words.map(quote).join(' ')}\n`

/** The loader looks through no PATH, so the shell does, with what it has built in. Descriptor 5 is where the loader says what failed. */
const execUnderFilter = (words: readonly string[], searchPath: string): string => {
  const [program = '', ...args] = words
  const candidates = program.includes('/') ? [program] : searchPath.split(':').map((directory) => `${directory || '.'}/${program}`)
  return `set -- ${[program, ...args].map(quote).join(' ')}
exec 0<&3 3<&- 4<&- 5>&8 8>&- 9>&-
${candidates.map((file) => `[ -f ${quote(file)} ] && [ -x ${quote(file)} ] && exec ${underFilter([file]).slice(0, 2).map(quote).join(' ')} "$@"\n`).join('')}echo 'fail missing' >&5
exit 128
`
}

const check = (program: string): string => {
  const word = quote(program)
  if (!program.includes('/')) return `command -v ${word} >/dev/null 2>&1 || fail missing`
  return `[ -e ${word} ] || fail missing\n[ ! -d ${word} ] || fail isDirectory\n[ -x ${word} ] || fail denied`
}

/** What upstream's runtimes say of it. */
export const startFailureMessage = (failure: StartFailure, { command, workingDir }: Program): string => {
  const [program = ''] = command
  const quoted = JSON.stringify(program)
  const what = {
    directory: `chdir to cwd (${JSON.stringify(workingDir)}) set in config.json failed: no such file or directory, or permission denied`,
    missing: program.includes('/') ? `exec: ${quoted}: stat ${program}: no such file or directory` : `exec: ${quoted}: executable file not found in $PATH`,
    denied: `exec: ${quoted}: permission denied`,
    isDirectory: `exec: ${quoted}: is a directory`,
    seccomp: 'unable to init seccomp: error loading seccomp filter: the kernel refused it',
    exec: `exec ${program}: exec format error, or its interpreter is missing, or its seccomp profile forbids to execute it`,
  }[failure]
  return `unable to start container process: error during container init: ${what}`
}
