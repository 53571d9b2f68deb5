/** The last words to an armed process: environment, directory, program. They go through a FIFO that only root can open, never through arguments or files. Pure. */
import { toolCommand } from '../rootfs/tools.ts'
import { isExportable, quote } from './quote.ts'

export interface Program {
  command: readonly string[]
  workingDir: string
  env: readonly { name: string; value: string }[]
}

/** Why a program could not be executed, as the script says it. */
export type StartFailure = 'directory' | 'missing' | 'denied' | 'isDirectory'

/**
 * One compound command, so that nothing of it runs before all of it has come. On descriptors 8 and 9 it writes `go`, or `fail <StartFailure>`;
 * descriptor 3 is the program's standard input. Names that no shell can hold travel as arguments of env(1) instead.
 */
export const goScript = ({ command, workingDir, env }: Program): string => {
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
exec 0<&3 3<&- 8>&- 9>&-
exec ${words.map(quote).join(' ')}
}
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
  }[failure]
  return `unable to start container process: error during container init: ${what}`
}
