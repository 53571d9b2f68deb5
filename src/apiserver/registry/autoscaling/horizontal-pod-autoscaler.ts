/** HorizontalPodAutoscalers, stored as autoscaling/v2. Mirrors upstream's `pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go` and printHorizontalPodAutoscaler. */
import { HorizontalPodAutoscalers } from '../../../api/kinds.ts'
import type { HorizontalPodAutoscalerStatusV2, HorizontalPodAutoscalerV2 } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { setAutoscalerDefaults } from './horizontal-pod-autoscaler-defaults.ts'
import { checkAutoscaler, checkAutoscalerStatus } from './horizontal-pod-autoscaler-validation.ts'
import { metricsText } from './metric-text.ts'

/** Upstream's struct writes its metrics always, also when there are none. */
const emptyStatus = (): HorizontalPodAutoscalerStatusV2 => ({ desiredReplicas: 0, currentMetrics: null } as unknown as HorizontalPodAutoscalerStatusV2)

export const horizontalPodAutoscalerStrategy: Strategy<HorizontalPodAutoscalerV2> = {
  kind: HorizontalPodAutoscalers,
  setDefaults(autoscaler) {
    setAutoscalerDefaults(autoscaler)
    autoscaler.status = { ...emptyStatus(), ...autoscaler.status }
  },
  prepareForCreate(autoscaler) { autoscaler.status = emptyStatus() },
  validate: checkAutoscaler,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: checkAutoscaler,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'Reference', type: 'string', description: 'What is scaled.', value: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` },
    { name: 'Targets', type: 'string', description: 'What is measured, and what it should be.', value: ({ spec, status }) => metricsText(spec.metrics ?? [], status.currentMetrics ?? []) },
    { name: 'MinPods', type: 'string', description: 'The fewest replicas.', value: ({ spec }) => String(spec.minReplicas ?? '<unset>') },
    { name: 'MaxPods', type: 'string', description: 'The most replicas.', value: ({ spec }) => spec.maxReplicas },
    { name: 'Replicas', type: 'string', description: 'How many replicas there are.', value: ({ status }) => status.currentReplicas ?? 0 },
    ageColumn,
  ],
  subresources: { status: statusSubresource({ validate: checkAutoscalerStatus }) },
}
