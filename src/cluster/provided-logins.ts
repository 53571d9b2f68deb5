/** Logins that the node's credential providers know for an image, as a kubelet would ask them; those that want a pod's service account are not asked. */
import { credentialProviders } from '../../agents/kubelet/images/credential-provider/providers.ts'
import { execPlugin } from '../../agents/kubelet/images/credential-provider/plugin.ts'
import type { RegistryLogin } from '../../agents/kubelet/images/docker-config.ts'
import { systemClock } from '../api/clock.ts'
import type { Pod } from '../api/types.ts'
import { providersIn } from './node-configuration.ts'

const nobodysPod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: '', namespace: '', uid: '', resourceVersion: '', creationTimestamp: '' }, spec: { containers: [] }, status: {} }

/** `data`: where the cluster's files for kubelets are. Who fails is told of by `warn`, and the others count. */
export const providedLogins = async (data: string, { repository, warn }: { repository: string; warn(line: string): void }, signal: AbortSignal): Promise<readonly RegistryLogin[]> => {
  const settings = providersIn(data)
  if (!settings) return []
  const quiet = (): void => {}
  const log = { info: quiet, debug: quiet, error: quiet, warn: (message: string, { provider, error }: Record<string, unknown> = {}): void => warn(`${message} (${String(provider)}): ${String(error)}`) }
  const asked = credentialProviders({ providers: settings.providers, ask: execPlugin(settings.directory), client: undefined, clock: systemClock, log, tokens: { issue: () => Promise.reject(new Error('there is no pod')) } })
  return asked.logins(nobodysPod, repository, signal)
}
