/** Opens the dashboard on a cluster: this machine's, or whichever a kubeconfig names. */
import { existsSync } from 'node:fs'
import type { Home } from './home.ts'

export interface DashboardOptions { home: Home; context?: string; kubeconfig?: string; namespace?: string; readOnly?: boolean }

export const openDashboard = async ({ home, context, kubeconfig, namespace, readOnly }: DashboardOptions, signal: AbortSignal): Promise<void> => {
  const own = kubeconfig ?? (context === undefined && existsSync(home.kubeconfig) ? home.kubeconfig : undefined)
  const { runDashboard } = await import('../../ui/main.tsx')
  await runDashboard({ kubeconfig: own, context, namespace, readOnly: readOnly ?? false, startCommand: 'wherry up' }, signal)
}
