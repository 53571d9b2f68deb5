import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fullPattern } from '../../src/cluster/image-pattern.ts'
import { type ImageWork, workOnImages } from '../../src/cluster/image-work.ts'

test.each([
  ['nginx', 'docker.io/library/nginx:*'], ['nginx:1.*', 'docker.io/library/nginx:1.*'], ['team/app', 'docker.io/team/app:*'], ['registry.example/team/*', 'registry.example/team/*'], ['localhost/app:1', 'localhost/app:1'],
  ['docker.io/redis:*', 'docker.io/library/redis:*'], ['index.docker.io/redis', 'docker.io/library/redis:*'], ['docker.io/team/app', 'docker.io/team/app:*'], ['docker.io/*', 'docker.io/*'], ['*', 'docker.io/library/*'],
  ['nginx;', undefined],
])('the pattern %s is %s in full', (text, full) => expect(fullPattern(text)).toBe(full))

describe('programs of the machine for images', () => {
  let directory = ''
  beforeEach(async () => { directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-images-')) })
  afterEach(() => rm(directory, { recursive: true, force: true }))
  const work = (what: ImageWork): Promise<string[]> => workOnImages({ directory, run: path.join(directory, 'run'), data: directory }, what, { signal: AbortSignal.timeout(10_000) })
  const program = (entrypoint: string[], command: string[] = []) => ({ entrypoint, command, env: [], workingDir: '', user: '', stopSignal: undefined })

  test('are listed as one would type them', async () => {
    expect(await work({ do: 'map', program: { pattern: 'docker.io/library/web:*', config: program(['sh', '-c', 'echo on;']) } })).toEqual(["docker.io/library/web:* is sh -c 'echo on;' of this machine"])
    expect(await work({ do: 'list' })).toEqual(['IMAGE                     ID     SIZE   LOADED   PROGRAM', "docker.io/library/web:*   host   -      -        sh -c 'echo on;'"])
  })

  test('that are not there are told of at once', async () => {
    const lines = await work({ do: 'map', program: { pattern: 'docker.io/library/web:*', config: program([], ['no-such-program']) } })
    expect(lines).toEqual(['docker.io/library/web:* is no-such-program of this machine', '  but this machine has no no-such-program yet: until it has, pods of this image end in StartError'])
  })

  test.each(['web', 'web:*', 'docker.io/web', 'docker.io/library/web:*'])('are taken away by the name %s', async (name) => {
    await work({ do: 'map', program: { pattern: 'docker.io/library/web:*', config: program(['sh']) } })
    expect(await work({ do: 'remove', name })).toEqual(['unmapped docker.io/library/web:*'])
    expect(await work({ do: 'list' })).toHaveLength(1)
  })
})
