/** What no container is to see of the machine (Wherry's own data), and what is mounted below it all the same: the control plane's certificates. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import { aContainer, aSandbox, isRoot, leavePlace, never, newPlace, openRuntime, runToEnd } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('runtime-hidden.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('hidden directories', () => {
  const place = newPlace()
  let runtime: ProcessRuntime
  let hidden = ''
  beforeAll(async () => {
    // Not below /tmp, which every container has anew.
    hidden = mkdtempSync('/var/lib/wherry-hidden-test-')
    mkdirSync(path.join(hidden, 'pki'))
    writeFileSync(path.join(hidden, 'pki/ca.crt'), 'certificate\n')
    writeFileSync(path.join(hidden, 'secret'), 'nobody\n')
    runtime = await openRuntime(place, { hiddenDirectories: [hidden] })
    await runtime.runSandbox(aSandbox('box', { hostNetwork: true }), never)
  })
  afterAll(async () => {
    await runtime.destroy()
    leavePlace(place)
    rmSync(hidden, { recursive: true, force: true })
  })

  test('are empty and read-only', async () => {
    const { output } = await runToEnd(runtime, aContainer(place, 'box', ['sh', '-c', `ls -A ${hidden}; touch ${hidden}/x 2>&1`], { name: 'empty', logPath: path.join(place.scratch, 'empty.log') }))
    expect(output).toMatch(/^touch: .*Read-only file system\s*$/)
  })

  test('have volumes below them', async () => {
    const mounts = [{ hostPath: path.join(hidden, 'pki'), containerPath: path.join(hidden, 'pki'), readOnly: true, propagation: 'private' as const }]
    const { output } = await runToEnd(runtime, aContainer(place, 'box', ['sh', '-c', `ls -A ${hidden}; cat ${hidden}/pki/ca.crt`], { name: 'volume', mounts, logPath: path.join(place.scratch, 'volume.log') }))
    expect(output).toBe('pki\ncertificate\n')
  })
})
