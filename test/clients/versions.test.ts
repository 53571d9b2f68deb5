/** Clients of several releases against one cluster: three kubectl, the oldest that is supported, one between and the newest, and both Helm. */
import { afterAll, beforeAll, describe } from 'vitest'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { helmCases } from './helm-cases.ts'
import { kubectlVersionCases } from './kubectl-version-cases.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('versions.test.ts')

describe.runIf(isRoot)('clients of several releases', () => {
  let cluster: TestCluster
  beforeAll(async () => { cluster = await startTestCluster({ single: true }) })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  describe.each(['1.27', '1.32', '1.36'] as const)('kubectl %s', (version) => kubectlVersionCases(() => cluster, version))
  describe.each(['1.36', '1.32'] as const)('the Helm that comes with kubectl %s', (version) => helmCases(() => cluster, version))
})
