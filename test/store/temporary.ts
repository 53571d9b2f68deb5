import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface TemporaryDirectory extends AsyncDisposable { directory: string }

export const temporaryDirectory = async (): Promise<TemporaryDirectory> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-store-'))
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}
