/** How many connections the kernel remembers, and for how long: raised to kube-proxy's defaults, never lowered. Mirrors cmd/kube-proxy/app/conntrack.go and pkg/proxy/apis/config/v1alpha1/defaults.go. */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Log } from '../../src/client/component.ts'

const settings = '/proc/sys/net/netfilter'
const tableSize = '/sys/module/nf_conntrack/parameters/hashsize'

/** The files of the kernel: numbers in decimal. Both throw what node:fs throws. */
export interface KernelNumbers {
  cores(): number
  read(file: string): number
  write(file: string, value: number): void
}

export const systemKernel: KernelNumbers = {
  cores: availableParallelism,
  read: (file) => Number(readFileSync(file, 'utf8')),
  write: (file, value) => writeFileSync(file, String(value)),
}

const maxPerCore = 32 * 1024
const leastMax = 128 * 1024
/** A connection that one side has closed: a proxy in a pod may hold it long, the kernel would forget it after a minute. */
const closeWaitSeconds = 60 * 60
const establishedSeconds = 24 * 60 * 60

const raise = (kernel: KernelNumbers, file: string, value: number): void => {
  if (kernel.read(file) < value) kernel.write(file, value)
}

/** To be called when there are rules: they load the kernel's part that has these numbers. What cannot be raised is left as it is, with a line in the log. */
export const raiseConnectionLimits = (kernel: KernelNumbers, log: Log): void => {
  const attempt = (level: 'debug' | 'warn', file: string, value: number): void => {
    try {
      raise(kernel, file, value)
    } catch (error) {
      log[level]('cannot raise what the kernel remembers of connections', { file, value, error: String(error) })
    }
  }
  const max = Math.max(maxPerCore * kernel.cores(), leastMax)
  // Only the machine's own network namespace may set these two; in others it is no failure.
  attempt('debug', `${settings}/nf_conntrack_max`, max)
  attempt('debug', tableSize, Math.floor(max / 4))
  attempt('warn', `${settings}/nf_conntrack_tcp_timeout_established`, establishedSeconds)
  attempt('warn', `${settings}/nf_conntrack_tcp_timeout_close_wait`, closeWaitSeconds)
}
