/** Whatever holds a container's standard input open ends with it, also when the container was only armed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { aContainer, aSandbox, isRoot, leavePlace, never, newPlace, openRuntime, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const holders = (directory: string): number[] => readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => path.basename(name) === 'holder').map((name) => Number(readFileSync(path.join(directory, name), 'utf8')))

sayWhatIsSkipped('runtime-input.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('the input of armed containers', () => {
  test('is held by nobody after the node is gone', async () => {
    const place = newPlace()
    const runtime = await openRuntime(place)
    await runtime.runSandbox(aSandbox('box', { hostNetwork: true }), never)
    await runtime.createContainer(aContainer(place, 'box', ['cat'], { name: 'reader', stdin: true }), never)
    const pids = holders(path.join(place.stateDirectory, 'pods'))
    expect(pids).toHaveLength(1)
    await runtime.destroy()
    await until('the holder to be gone', () => pids.every((pid) => !existsSync(`/proc/${pid}`)))
    leavePlace(place)
  })
})
