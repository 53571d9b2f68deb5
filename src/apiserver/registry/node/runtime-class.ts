/** RuntimeClasses. Mirrors upstream's `pkg/registry/node/runtimeclass/strategy.go` and ValidateRuntimeClass. */
import { RuntimeClasses } from '../../../api/kinds.ts'
import type { FieldError } from '../../../api/status.ts'
import type { RuntimeClass } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkResourceRequirements } from '../core/resource-validation.ts'
import { setResourceListDefaults } from '../core/resource-lists.ts'
import { checkTolerations } from '../core/taint-validation.ts'
import { checkDnsLabel, checkImmutable } from '../field-checks.ts'
import { checkLabels } from '../label-checks.ts'
import { keyedLabelWarning } from '../node-label-warnings.ts'
import type { Strategy } from '../strategy.ts'

const check = ({ handler, overhead, scheduling }: RuntimeClass): FieldError[] => [
  ...checkDnsLabel('handler', handler ?? ''),
  ...(overhead?.podFixed ? checkResourceRequirements('overhead', { limits: overhead.podFixed }) : []),
  ...checkLabels('scheduling.nodeSelector', scheduling?.nodeSelector),
  ...checkTolerations('scheduling.tolerations', scheduling?.tolerations),
]

export const runtimeClassStrategy: Strategy<RuntimeClass> = {
  kind: RuntimeClasses,
  unconditionalUpdate: false,
  setDefaults({ overhead }) { setResourceListDefaults(overhead?.podFixed) },
  validate: check,
  warnings: ({ scheduling }) => Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => keyedLabelWarning('scheduling.nodeSelector', key)),
  validateUpdate: (next, old) => checkImmutable('handler', next.handler, old.handler),
  columns: [nameColumn, { name: 'Handler', type: 'string', description: 'How the runtime of the nodes calls this class.', value: ({ handler }) => handler ?? '' }, ageColumn],
}
