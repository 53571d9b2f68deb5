import { expect, test } from 'vitest'
import { agentEnvironment } from '../../src/cluster/keeper.ts'

test.each([
  ['nothing', {}, '--max-semi-space-size=8'],
  ['certificates of a proxy', { NODE_OPTIONS: '--use-system-ca' }, '--use-system-ca --max-semi-space-size=8'],
])('an agent of whoever asks Node for %s gets that, and its own', (_, environment, options) => {
  expect(agentEnvironment(environment)['NODE_OPTIONS']).toBe(options)
})
