/** Behaviours that need pods, on one cluster of one node: none of them asks for more. */
import { conformance } from '../support/conformance.ts'
import { callouts } from './callouts.ts'
import { network } from './network.ts'
import { smallPods } from './small-pods.ts'

conformance('pods.test.ts', { single: true }, (behaviour) => {
  for (const area of [callouts, network, smallPods]) area(behaviour)
})
