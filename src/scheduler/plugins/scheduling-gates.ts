/** A pod with scheduling gates is not looked at until they are gone. Mirrors `plugins/schedulinggates`. */
import { fits, type Plugin, rejectForGood } from '../framework.ts'

export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  preEnqueue: ({ spec: { schedulingGates: gates = [] } }) => (gates.length === 0 ? fits : rejectForGood(`waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]`)),
  mayHelp: (event) => event.on === 'Pod' && !event.pod.spec.schedulingGates?.length,
}
