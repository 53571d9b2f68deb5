/** Words for a POSIX shell. Pure. */

/** Any text without NUL as one word that means itself. */
export const quote = (text: string): string => {
  if (text.includes('\0')) throw new Error(`a NUL character cannot be passed to a program: ${JSON.stringify(text)}`)
  return `'${text.replaceAll("'", "'\\''")}'`
}

// Variables that shells give a meaning or a form of their own; assigning any text to them can fail or change what the script does.
const special = new Set(['OPTIND', 'LINENO', 'PPID', 'UID', 'EUID', 'GID', 'IFS', 'PS4', 'RANDOM', 'SECONDS', 'SHELLOPTS', 'BASHOPTS', 'BASH_VERSINFO', 'ENV', 'BASH_ENV', '_'])

/** Whether a shell can hold and export a variable of this name as it is. */
export const isExportable = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !special.has(name)

/** `name=word` lines for a file that a shell reads with `.`. */
export const assignments = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values).map(([name, value]) => `${name}=${quote(value)}\n`).join('')
