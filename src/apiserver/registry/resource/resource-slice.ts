/** ResourceSlices. Mirrors upstream's `pkg/registry/resource/resourceslice/strategy.go` and printResourceSlice. */
import { timestamp } from '../../../api/clock.ts'
import { ResourceSlices } from '../../../api/kinds.ts'
import type { ResourceSlice } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy, StrategyContext } from '../strategy.ts'
import { checkResourceSlice } from './resource-slice-validation.ts'

/** Since when a device is tainted: since now, if the driver does not say. */
const dateTaints = ({ spec }: ResourceSlice, { clock }: StrategyContext): void => {
  for (const { taints = [] } of spec.devices ?? []) for (const taint of taints) taint.timeAdded ??= timestamp(clock.now())
}

export const resourceSliceStrategy: Strategy<ResourceSlice> = {
  kind: ResourceSlices,
  returnsDeletedObject: true,
  prepareForCreate: dateTaints,
  validate: (slice) => checkResourceSlice(slice),
  prepareForUpdate: (next, _old, context) => dateTaints(next, context),
  validateUpdate: checkResourceSlice,
  generationOf: ({ spec }) => spec,
  selectableFields: { 'spec.nodeName': ({ spec }) => spec.nodeName ?? '', 'spec.driver': ({ spec }) => spec.driver ?? '' },
  columns: [
    nameColumn,
    { name: 'Node', type: 'string', description: 'The node that the devices are on.', value: ({ spec }) => spec.nodeName ?? '' },
    { name: 'Driver', type: 'string', description: 'The driver of the devices.', value: ({ spec }) => spec.driver ?? '' },
    { name: 'Pool', type: 'string', description: 'The pool that the devices belong to.', value: ({ spec }) => spec.pool?.name ?? '' },
    ageColumn,
  ],
}
