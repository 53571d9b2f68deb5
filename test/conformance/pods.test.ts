/** Behaviours that need pods, on one cluster of two nodes. */
import { conformance } from '../support/conformance.ts'
import { callouts } from './callouts.ts'
import { network } from './network.ts'
import { smallPods } from './small-pods.ts'

conformance('pods.test.ts', { nodes: 2 }, (behaviour) => {
  for (const area of [callouts, network, smallPods]) area(behaviour)
})
