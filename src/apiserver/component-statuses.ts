/** ComponentStatuses: whether the parts of the control plane answer, asked when somebody looks. Mirrors upstream's `pkg/registry/core/componentstatus`. */
import { kind } from '../api/kinds.ts'
import type { ComponentStatus } from '../api/types.ts'
import type { VirtualResource } from './extension.ts'
import { nameColumn } from './registry/columns.ts'
import type { Column } from './registry/strategy.ts'

export const ComponentStatuses = kind<ComponentStatus>({ group: '', version: 'v1', kind: 'ComponentStatus', plural: 'componentstatuses', shortNames: ['cs'], namespaced: false, verbs: ['get', 'list'] })

export interface ComponentCheck {
  name: string
  /** What the component says (`ok`); rejects with what is wrong. */
  ask(signal: AbortSignal): Promise<string>
}

const statusOf = async ({ name, ask }: ComponentCheck, signal: AbortSignal): Promise<ComponentStatus> => {
  const condition = await ask(signal).then((message) => ({ type: 'Healthy', status: 'True', message }), (error: unknown) => ({ type: 'Healthy', status: 'False', message: error instanceof Error ? error.message : String(error) }))
  return { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name, creationTimestamp: null }, conditions: [condition] } as unknown as ComponentStatus
}

const healthy = ({ conditions }: ComponentStatus): { status: string; message?: string | undefined; error?: string | undefined } | undefined => conditions?.find(({ type }) => type === 'Healthy')

const columns: readonly Column<ComponentStatus>[] = [
  nameColumn,
  { name: 'Status', type: 'string', description: 'Status of the component conditions', value: (component) => { const condition = healthy(component); return condition ? (condition.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown' } },
  { name: 'Message', type: 'string', description: 'Message of the component conditions', value: (component) => healthy(component)?.message ?? '' },
  { name: 'Error', type: 'string', description: 'Error of the component conditions', value: (component) => healthy(component)?.error ?? '' },
]

export const componentStatuses = (checks: readonly ComponentCheck[]): VirtualResource<ComponentStatus> => ({
  kind: ComponentStatuses, columns, warning: 'v1 ComponentStatus is deprecated in v1.19+',
  get: ({ name, signal }) => { const check = checks.find((each) => each.name === name); return check && statusOf(check, signal) },
  list: ({ signal }) => Promise.all(checks.map((check) => statusOf(check, signal))),
})
