/**
 * How many connections the kernel remembers, and for how long: raised to kube-proxy's defaults, never lowered. Mirrors cmd/kube-proxy/app/conntrack.go and
 * pkg/proxy/apis/config/v1alpha1/defaults.go; done here, because here what was changed on a machine is put back when it is no node any more.
 */
import type { Log } from '../../../src/client/component.ts'
import type { Sysctls } from './sysctls.ts'

const maxPerCore = 32 * 1024
const leastMax = 128 * 1024
/** A connection that one side has closed: the other may still send for long, and the kernel would forget it after a minute. */
const closeWaitSeconds = 60 * 60
const establishedSeconds = 24 * 60 * 60

/** To be called when there are rules: they load the part of the kernel that has these numbers. What cannot be raised stays, with a line in the log. */
export const raiseConnectionLimits = (sysctls: Pick<Sysctls, 'raise'>, { cores, log }: { cores: number; log: Log }): void => {
  const attempt = (level: 'debug' | 'warn', name: string, value: number): void => {
    try {
      sysctls.raise(`net/netfilter/${name}`, value)
    } catch (error) {
      log[level]('cannot raise what the kernel remembers of connections', { name, value, error: String(error) })
    }
  }
  // Only the machine's own network namespace may set it; in another that is no failure.
  attempt('debug', 'nf_conntrack_max', Math.max(maxPerCore * cores, leastMax))
  attempt('warn', 'nf_conntrack_tcp_timeout_established', establishedSeconds)
  attempt('warn', 'nf_conntrack_tcp_timeout_close_wait', closeWaitSeconds)
}
