/** Opens the dashboard on a cluster: this machine's, or whichever a kubeconfig names. */
import { existsSync } from 'node:fs'
import { StatusError } from '../api/status.ts'
import { KubeconfigError } from '../client/kubeconfig.ts'
import { ConnectionError } from '../client/transport.ts'
import type { Home } from './home.ts'
import { UserError } from './user-error.ts'

export interface DashboardOptions { home: Home; context?: string; kubeconfig?: string; namespace?: string; readOnly?: boolean }

export const openDashboard = async ({ home, context, kubeconfig, namespace, readOnly }: DashboardOptions, signal: AbortSignal): Promise<void> => {
  const own = kubeconfig ?? (context === undefined && existsSync(home.kubeconfig) ? home.kubeconfig : undefined)
  const { runDashboard } = await import('../../ui/main.tsx')
  await runDashboard({ kubeconfig: own, context, namespace, readOnly: readOnly ?? false, startCommand: 'wherry up' }, signal).catch((error: unknown) => { throw forPeople(error) ?? error })
}

/** What a person has to change, or whom to ask: no fault of the program. */
const forPeople = (error: unknown): UserError | undefined => {
  if (error instanceof KubeconfigError || error instanceof StatusError) return new UserError(error.message, 1, { cause: error })
  return error instanceof ConnectionError ? new UserError(`${error.message}; if it is a cluster of this machine, start it with: wherry up`, 1, { cause: error }) : undefined
}
