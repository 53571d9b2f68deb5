/** kube-apiserver's flags that mean the same for `wherry apiserver` and for `--single`: audit, load, authentication, authorization, admission, encryption, origins. */
import type { AuditOptions } from '../../apiserver/audit/audit.ts'
import { originPatternProblem } from '../../apiserver/filters/cross-origin.ts'
import { systemClock } from '../../api/clock.ts'
import type { Log } from '../../client/component.ts'
import type { Store } from '../../store/store.ts'
import { parseFlags, type Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'
import { admissionFlags, admissionFrom } from './admission.ts'
import { auditFlags, auditFrom, checkAuditFlags } from './audit-log.ts'
import { authenticationFlags, authenticationFrom } from './authentication.ts'
import { authorizationFlags, authorizationFrom } from './authorization.ts'
import { serviceAccountIssuer, type ControlPlaneOptions } from './control-plane.ts'
import { type Encryption, encryptionFlags, encryptionFrom, encryptionTextFrom } from './encryption.ts'
import { loadFlags, loadFrom } from './load.ts'

export const serverOptionFlags: readonly string[] = ['allow-service-external-ips', 'cors-allowed-origins', ...auditFlags, ...loadFlags, ...encryptionFlags, ...authenticationFlags, ...authorizationFlags, ...admissionFlags]

export interface ServerOptions {
  options: Pick<ControlPlaneOptions, 'audit' | 'load' | 'authentication' | 'authorization' | 'admission' | 'allowServiceExternalIPs' | 'corsAllowedOrigins' | 'healthChecks' | 'store'>
  encryption: Encryption
  audit: AuditOptions | undefined
  /** What follows the files, until the signal aborts. */
  runs: readonly { run(signal: AbortSignal): Promise<void> }[]
}

const booleanOf = (flags: Flags, name: string): boolean => {
  const value = flags.get(name)
  if (value !== undefined && value !== 'true' && value !== 'false') throw new UserError(`wherry apiserver: --${name}: must be true or false, not ${JSON.stringify(value)}`)
  return value === 'true'
}

const originsOf = (flags: Flags): string[] => {
  const patterns = (flags.get('cors-allowed-origins') ?? '').split(',').filter((each) => each !== '')
  for (const pattern of patterns) {
    const problem = originPatternProblem(pattern)
    if (problem !== undefined) throw new UserError(`wherry apiserver: --cors-allowed-origins has an invalid regular expression: ${JSON.stringify(pattern)}: ${problem}`)
  }
  return patterns
}

/** `open` is only called when everything else is right. */
export const serverOptionsFrom = async (flags: Flags, { log, clusterDomain, open }: { log: Log; clusterDomain: string; open(): Promise<Store> }): Promise<ServerOptions> => {
  const authentication = await authenticationFrom(flags, { log, own: [serviceAccountIssuer(clusterDomain)] })
  const authorization = await authorizationFrom(flags, { clock: systemClock, log })
  const [admission, load, allowServiceExternalIPs, corsAllowedOrigins] = [admissionFrom(flags), loadFrom(flags), booleanOf(flags, 'allow-service-external-ips'), originsOf(flags)]
  const audit = await auditFrom(flags, { clock: systemClock, log })
  const encryption = await encryptionFrom(flags, await open(), { clock: systemClock, log })
  return {
    encryption, audit, runs: [encryption, authentication, authorization],
    options: { audit, load, authentication, authorization, admission, allowServiceExternalIPs, corsAllowedOrigins, healthChecks: encryption.healthChecks, store: encryption.store },
  }
}

const nothing: Log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined }

/** What a server with these flags would refuse, before there is one. Throws UserError; opens no store and no log. */
export const checkServerOptions = async (given: Readonly<Record<string, string>>): Promise<void> => {
  try {
    const flags = parseFlags('apiserver', serverOptionFlags, Object.entries(given).map(([name, value]) => `--${name}=${value}`))
    await authenticationFrom(flags, { log: nothing, own: [] })
    await authorizationFrom(flags, { clock: systemClock, log: nothing })
    admissionFrom(flags)
    loadFrom(flags)
    booleanOf(flags, 'allow-service-external-ips')
    originsOf(flags)
    await checkAuditFlags(flags, { clock: systemClock, log: nothing })
    await encryptionTextFrom(flags)
  } catch (error) {
    throw error instanceof UserError ? new UserError(error.message.replace(/^wherry apiserver: /, '')) : error
  }
}
