/** ServiceAccounts. Mirrors upstream's `pkg/registry/core/serviceaccount/strategy.go`. */
import { ServiceAccounts } from '../../../api/kinds.ts'
import type { ServiceAccount } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

/** Of the references to Secrets only the names count. */
const keepNames = (account: ServiceAccount): void => {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}

const mountableSecrets = 'kubernetes.io/enforce-mountable-secrets'

export const serviceAccountStrategy: Strategy<ServiceAccount> = {
  kind: ServiceAccounts,
  returnsDeletedObject: true,
  prepareForCreate: keepNames,
  prepareForUpdate: keepNames,
  warnings: ({ metadata }, _context, old) => (metadata.annotations?.[mountableSecrets] === undefined || old?.metadata.annotations?.[mountableSecrets] !== undefined ? []
    : [`metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`]),
  columns: [nameColumn, ageColumn],
}
