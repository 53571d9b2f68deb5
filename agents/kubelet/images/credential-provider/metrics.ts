/** What /metrics says of the programs that know credentials. Pure. Mirrors pkg/credentialprovider/plugin/metrics.go. */
import { durationBuckets, type PluginUsage } from './providers.ts'

const [errors, duration] = ['kubelet_credential_provider_plugin_errors', 'kubelet_credential_provider_plugin_duration']

/** Empty before any has been asked. */
export const credentialMetrics = (usages: readonly PluginUsage[]): string => {
  const asked = usages.filter((each) => each.asked > 0)
  if (asked.length === 0) return ''
  const failed = asked.filter((each) => each.failed > 0).map(({ name, failed: times }) => `${errors}{plugin_name=${JSON.stringify(name)}} ${times}`)
  const lines = asked.flatMap(({ name, asked: times, seconds, within }) => {
    const plugin = `plugin_name=${JSON.stringify(name)}`
    return [...durationBuckets.map((bound, index) => `${duration}_bucket{${plugin},le="${bound}"} ${within[index] ?? 0}`), `${duration}_bucket{${plugin},le="+Inf"} ${times}`, `${duration}_sum{${plugin}} ${seconds}`, `${duration}_count{${plugin}} ${times}`]
  })
  return `${[
    `# HELP ${duration} [ALPHA] Duration of execution in seconds for credential provider plugin`, `# TYPE ${duration} histogram`, ...lines,
    ...(failed.length > 0 ? [`# HELP ${errors} [ALPHA] Number of errors from credential provider plugin`, `# TYPE ${errors} counter`, ...failed] : []),
  ].join('\n')}\n`
}
