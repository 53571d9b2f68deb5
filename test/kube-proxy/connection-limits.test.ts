/** Expectations: cmd/kube-proxy/app/conntrack.go, its defaults, and `test/e2e/network/kube_proxy.go` ("should set TCP CLOSE_WAIT timeout"). */
import { expect, test } from 'vitest'
import { type KernelNumbers, raiseConnectionLimits } from '../../agents/kube-proxy/connection-limits.ts'
import { logs } from '../support/logs.ts'

const max = '/proc/sys/net/netfilter/nf_conntrack_max'
const closeWait = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait'
const established = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established'
const hash = '/sys/module/nf_conntrack/parameters/hashsize'

const kernelOf = (given: Record<string, number>, cores: number, readOnly: readonly string[] = []): KernelNumbers & { files: Record<string, number> } => {
  const files = { ...given }
  return {
    files, cores: () => cores,
    read: (file) => {
      const value = files[file]
      if (value === undefined) throw new Error(`ENOENT: ${file}`)
      return value
    },
    write: (file, value) => {
      if (readOnly.includes(file)) throw new Error(`EACCES: ${file}`)
      files[file] = value
    },
  }
}
const small = { [max]: 65_536, [hash]: 16_384, [closeWait]: 60, [established]: 3600 }

test.each([
  ['a small machine', small, 2, { [max]: 131_072, [hash]: 32_768, [closeWait]: 3600, [established]: 86_400 }],
  ['many cores: so much for each', small, 16, { [max]: 524_288, [hash]: 131_072, [closeWait]: 3600, [established]: 86_400 }],
  ['what is more already stays: the kernel keeps established connections for five days', { [max]: 1_000_000, [hash]: 500_000, [closeWait]: 7200, [established]: 432_000 }, 2, { [max]: 1_000_000, [hash]: 500_000, [closeWait]: 7200, [established]: 432_000 }],
])('%s', (_, given, cores, expected) => {
  const kernel = kernelOf(given, cores)
  const log = logs()
  raiseConnectionLimits(kernel, log)
  expect(kernel.files).toEqual(expected)
  expect(log.lines).toEqual([])
})

test('in a network namespace the size is not ours to set: the times are, and nothing is said aloud', () => {
  const kernel = kernelOf(small, 2, [max, hash])
  const log = logs()
  raiseConnectionLimits(kernel, log)
  expect(kernel.files).toEqual({ ...small, [closeWait]: 3600, [established]: 86_400 })
  expect(log.lines.filter((line) => !line.startsWith('debug'))).toEqual([])
})

test('times that cannot be set are told', () => {
  const log = logs()
  raiseConnectionLimits(kernelOf({ [max]: 262_144, [hash]: 65_536 }, 2), log)
  expect(log.lines).toEqual(['warn: cannot raise what the kernel remembers of connections', 'warn: cannot raise what the kernel remembers of connections'])
})
