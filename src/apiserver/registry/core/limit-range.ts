/** LimitRanges. Mirrors upstream's `pkg/registry/core/limitrange/strategy.go` and SetDefaults_LimitRangeItem. */
import { setOwn } from '../../../api/equal.ts'
import { LimitRanges } from '../../../api/kinds.ts'
import type { LimitRange, LimitRangeItem } from '../../../api/types.ts'
import { defaultColumns } from '../columns.ts'
import type { Strategy } from '../strategy.ts'
import { checkLimitRange } from './limit-range-validation.ts'
import { type ResourceList, setResourceListDefaults } from './resource-lists.ts'

/** What `list` lacks is taken from `source`; the list where there is anything in it now. */
const filled = (list: ResourceList | undefined, source: ResourceList | undefined): ResourceList | undefined => {
  const whole: ResourceList = { ...list }
  for (const [name, value] of Object.entries(source ?? {})) if (!Object.hasOwn(whole, name)) setOwn(whole, name, value)
  return Object.keys(whole).length > 0 ? whole : list
}

/** The default limit is the maximum, the default request the default limit, or the minimum. */
const setItemDefaults = (item: LimitRangeItem): void => {
  for (const list of [item.default, item.defaultRequest, item.max, item.maxLimitRequestRatio, item.min]) setResourceListDefaults(list)
  if (item.type !== 'Container') return
  const limits = filled(item.default, item.max)
  if (limits) item.default = limits
  const requests = filled(filled(item.defaultRequest, item.default), item.min)
  if (requests) item.defaultRequest = requests
}

export const limitRangeStrategy: Strategy<LimitRange> = {
  kind: LimitRanges,
  setDefaults(range) {
    range.spec ??= { limits: [] }
    range.spec.limits ??= []
    range.spec.limits.forEach(setItemDefaults)
  },
  prepareForCreate(range, { random }) {
    if (!range.metadata.name) range.metadata.name = random.uuid()
  },
  validate: checkLimitRange,
  validateUpdate: checkLimitRange,
  createOnUpdate: true,
  columns: defaultColumns,
}
