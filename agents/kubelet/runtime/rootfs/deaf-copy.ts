/**
 * A copy of a program or library that reads none of the settings by which a file system tells glibc what to load and who is who: it runs as the machine's root in roots that belong to
 * whoever made the image. The names of those files become names that never exist (there is no process 0). Pure.
 */
const names: readonly (readonly [from: string, to: string])[] = [
  ['/etc/ld.so.preload', '/proc/0/ld.preload'], ['/etc/ld.so.cache', '/proc/0/ld.cache'], ['/etc/nsswitch.conf', '/proc/0/nsswitch.c'], ['/etc/passwd', '/proc/0/pwd'], ['/etc/group', '/proc/0/gr'],
]

export const deafCopy = (program: Buffer): Buffer => {
  const copy = Buffer.from(program)
  for (const [from, to] of names) {
    const [wanted, instead] = [Buffer.from(`${from}\0`), Buffer.from(`${to}\0`)]
    for (let at = copy.indexOf(wanted); at >= 0; at = copy.indexOf(wanted, at + wanted.length)) instead.copy(copy, at)
  }
  return copy
}
