/** `wherry scheduler`: flags as kube-scheduler's. */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { runTogether } from '../../client/run-together.ts'
import { scheduler } from '../../scheduler/scheduler.ts'
import { schedulerServer } from '../../scheduler/server.ts'
import { parseFlags } from '../flags.ts'
import { accessByFile, clientParts, eventPauseMilliseconds } from './client-parts.ts'

const known = ['kubeconfig', 'secure-port', 'bind-address', 'tls-cert-file', 'tls-private-key-file', 'client-ca-file', 'leader-elect']

export const runScheduler = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('scheduler', known, args)
  const parts = clientParts('kube-scheduler', accessByFile(flags.need('kubeconfig')), signal)
  const component = scheduler({ ...parts, eventPauseMilliseconds, ...(flags.get('leader-elect') === 'true' && { leaderElection: { identity: `${hostname()}_${parts.random.uuid()}` } }) })
  const file = (name: string): Promise<string> => readFile(flags.need(name), 'utf8')
  const server = schedulerServer(component, {
    log: parts.log, port: flags.number('secure-port', 10_259), address: flags.get('bind-address') ?? '0.0.0.0',
    tls: { certificate: await file('tls-cert-file'), key: await file('tls-private-key-file') }, clientCertificateAuthority: await file('client-ca-file'),
  })
  await runTogether([component, server], signal)
}
