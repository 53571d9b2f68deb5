/** ServiceAccounts. Mirrors upstream's `pkg/registry/core/serviceaccount/strategy.go`. */
import { ServiceAccounts } from '../../../api/kinds.ts'
import type { ServiceAccount } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

/** Of the references to Secrets only the names count. */
const keepNames = (account: ServiceAccount): void => {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}

export const serviceAccountStrategy: Strategy<ServiceAccount> = {
  kind: ServiceAccounts,
  returnsDeletedObject: true,
  prepareForCreate: keepNames,
  prepareForUpdate: keepNames,
  columns: [nameColumn, ageColumn],
}
