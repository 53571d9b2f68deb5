/** Flags of kube-apiserver that `wherry up` hands on to the cluster's API server. Any other is unknown, and refused by name. */

/** Files are copied into the data directory, which the server can read; logs are written where they are said to be. */
type FlagKind = 'file' | 'log' | 'text'

const table = {
  'encryption-provider-config': ['file', 'what is encrypted in the store, and how: EncryptionConfiguration'],
  'authentication-config': ['file', 'who else says who somebody is: AuthenticationConfiguration'],
  'authorization-config': ['file', 'who decides what requests may do: AuthorizationConfiguration'],
  'admission-control-config-file': ['file', 'how admission plugins are configured: AdmissionConfiguration (Pod Security of the whole cluster, quotas)'],
  'audit-policy-file': ['file', 'what is audited: Policy'],
  'audit-webhook-config-file': ['file', 'to whom audit events are sent: a kubeconfig'],
  'oidc-ca-file': ['file', 'authorities of the OpenID Connect issuer'],
  'audit-log-path': ['log', 'where audit events are written'],
  ...Object.fromEntries([
    'anonymous-auth', 'authorization-mode', 'allow-service-external-ips', 'enable-admission-plugins', 'disable-admission-plugins', 'cors-allowed-origins', 'enable-priority-and-fairness', 'max-requests-inflight',
    'max-mutating-requests-inflight', 'request-timeout', 'oidc-issuer-url', 'oidc-client-id', 'oidc-username-claim', 'oidc-username-prefix', 'oidc-groups-claim', 'oidc-groups-prefix', 'oidc-required-claim',
    'oidc-signing-algs', 'audit-log-maxsize', 'audit-log-maxage', 'audit-log-maxbackup', 'audit-log-compress', 'audit-webhook-initial-backoff',
    ...['log', 'webhook'].flatMap((plugin) => ['mode', 'batch-buffer-size', 'batch-max-size', 'batch-max-wait', 'batch-throttle-enable', 'batch-throttle-qps', 'batch-throttle-burst', 'truncate-enabled', 'truncate-max-batch-size', 'truncate-max-event-size'].map((name) => `audit-${plugin}-${name}`)),
  ].map((name) => [name, ['text', '']])) as Readonly<Record<string, readonly [FlagKind, string]>>,
} as const satisfies Readonly<Record<string, readonly [FlagKind, string]>>

export interface ServerFlag { name: string; kind: FlagKind; says: string }

export const serverFlags: readonly ServerFlag[] = Object.entries<readonly [FlagKind, string]>(table).map(([name, [kind, says]]) => ({ name, kind, says }))

/** `oidc-issuer-url` as the command line's parser names it: `oidcIssuerUrl`. */
const optionName = (flag: string): string => flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Of the options of a command those that are such flags, by the flags' names. An empty value takes a flag back. */
export const serverFlagsIn = (options: object): Record<string, string> => Object.fromEntries(serverFlags.flatMap(({ name }) => {
  const value: unknown = (options as Record<string, unknown>)[optionName(name)]
  return typeof value === 'string' ? [[name, value]] : []
}))
