/** Mounts as system calls, in the way of mount(8). Pure. */
import type { MountLine } from '../rootfs/fstab.ts'
import { type Steps, text } from './steps.ts'

const readOnly = 1
const flagOf: Readonly<Record<string, number>> = { ro: readOnly, rw: 0, nosuid: 2, nodev: 4, noexec: 8, bind: 0x1000, rbind: 0x5000 }
const remount = 0x20
const bound = 0x1000
const propagations: Readonly<Record<string, number>> = { private: 1 << 18, rprivate: (1 << 18) | 0x4000, slave: 1 << 19, rslave: (1 << 19) | 0x4000, shared: 1 << 20, rshared: (1 << 20) | 0x4000 }

const sumOf = (table: Readonly<Record<string, number>>, options: readonly string[]): number => options.reduce((sum, each) => sum | (Object.hasOwn(table, each) ? (table[each] ?? 0) : 0), 0)
const restOf = (options: readonly string[]): string => options.filter((each) => !Object.hasOwn(flagOf, each) && !Object.hasOwn(propagations, each)).join(',')

/** `root`: where the container's root is being built. */
export const mountAll = (steps: Steps, root: string, lines: readonly MountLine[]): void => {
  for (const { source, containerPath, type, options } of lines) {
    const target = containerPath === '/' ? root : `${root}${containerPath}`
    const what = `cannot mount ${source} at ${containerPath}`
    const [flags, propagation, rest] = [sumOf(flagOf, options), sumOf(propagations, options), restOf(options)]
    const data = rest === '' ? 0 : text(rest)
    if ((flags & bound) === 0) steps.call('mount', [text(source), text(target), text(type), flags, data], what)
    else {
      steps.call('mount', [text(source), text(target), 0, flags & 0x5000, 0], what)
      // What a mount forbids beyond its source comes with a second call.
      if (propagation !== 0) steps.call('mount', [text('none'), text(target), 0, propagation, 0], what)
      if ((flags & 0xf) !== 0) steps.call('mount', [text('none'), text(target), 0, remount | bound | (flags & 0xf), 0], what)
      continue
    }
    if (propagation !== 0) steps.call('mount', [text('none'), text(target), 0, propagation, 0], what)
  }
}

export const makeReadOnly = (steps: Steps, root: string, line: MountLine): void => {
  steps.call('mount', [text('none'), text(root), 0, remount | bound | readOnly | (sumOf(flagOf, line.options) & 0xf), 0], 'cannot make the root read-only')
}

export const propagate = (steps: Steps, place: string, how: keyof typeof propagations): void => { steps.call('mount', [text('none'), text(place), 0, propagations[how] ?? 0, 0], `cannot make the mounts at ${place} ${how}`) }
