import { expect, test } from 'vitest'
import { deafCopy } from '../../../agents/kubelet/runtime/rootfs/deaf-copy.ts'

test('names of settings become names that never exist, as long as they were; everything else stays', () => {
  const program = Buffer.from('\x7fELF/etc/ld.so.preload\0x/etc/passwd\0/etc/passwd-\0 Do not use /etc/ld.so.cache\n\0/etc/passwd\0')
  expect(deafCopy(program).toString()).toBe('\x7fELF/proc/0/ld.preload\0x/proc/0/pwd\0/etc/passwd-\0 Do not use /etc/ld.so.cache\n\0/proc/0/pwd\0')
  expect(program.toString()).toContain('/etc/ld.so.preload')
})

test.each(['/etc/ld.so.preload', '/etc/ld.so.cache', '/etc/nsswitch.conf', '/etc/passwd', '/etc/group'])('%s', (name) => {
  const copy = deafCopy(Buffer.from(`${name}\0`)).toString()
  expect(copy).toMatch(/^\/proc\/0\/[a-z.]+\0$/)
  expect(copy).toHaveLength(name.length + 1)
})
