/** Expectations: cmd/kube-proxy/app/conntrack.go, its defaults, and `test/e2e/network/kube_proxy.go` ("should set TCP CLOSE_WAIT timeout"). */
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { raiseConnectionLimits } from '../../../agents/kubelet/network/connection-limits.ts'
import { rememberedSysctls } from '../../../agents/kubelet/network/sysctls.ts'
import { logs } from '../../support/logs.ts'

/** A directory that stands for /proc/sys, with these numbers below net/netfilter. */
const kernel = (given: Record<string, number>) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'wherry-sysctls-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const at = path.join(directory, 'sys/net/netfilter')
  mkdirSync(at, { recursive: true })
  for (const [name, value] of Object.entries(given)) writeFileSync(path.join(at, name), `${value}\n`)
  const log = logs()
  const sysctls = rememberedSysctls(path.join(directory, 'remembered.json'), path.join(directory, 'sys'))
  return {
    log, sysctls, raise: (cores: number) => raiseConnectionLimits(sysctls, { cores, log }),
    numbers: () => Object.fromEntries(Object.keys(given).map((name) => [name, Number(readFileSync(path.join(at, name), 'utf8'))])),
    set: (name: string, value: number) => writeFileSync(path.join(at, name), `${value}\n`),
  }
}
const numbers = (max: number, established: number, closeWait: number) => ({ nf_conntrack_max: max, nf_conntrack_tcp_timeout_established: established, nf_conntrack_tcp_timeout_close_wait: closeWait })

test.each([
  ['a small machine', numbers(65_536, 3600, 60), 2, numbers(131_072, 86_400, 3600)],
  ['many cores: so much for each', numbers(65_536, 3600, 60), 16, numbers(524_288, 86_400, 3600)],
  ['what is more already stays: the kernel keeps established connections for five days', numbers(1_000_000, 432_000, 7200), 2, numbers(1_000_000, 432_000, 7200)],
])('%s', (_, given, cores, expected) => {
  const { raise, numbers: now, log } = kernel(given)
  raise(cores)
  expect(now()).toEqual(expected)
  expect(log.lines).toEqual([])
})

test('what was there before is put back, unless somebody else has changed it since', () => {
  const { raise, sysctls, numbers: now, set } = kernel(numbers(65_536, 3600, 60))
  raise(2)
  raise(2)
  set('nf_conntrack_tcp_timeout_established', 100_000)
  sysctls.restore()
  expect(now()).toEqual(numbers(65_536, 100_000, 60))
})

test('what is not there is told, and only for the times aloud: the size is the machine\'s alone', () => {
  const { raise, log } = kernel({ nf_conntrack_tcp_timeout_close_wait: 60 })
  raise(2)
  expect(log.lines.map((line) => line.split(':')[0])).toEqual(['debug', 'warn'])
})
