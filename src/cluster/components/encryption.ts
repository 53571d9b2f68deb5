/** Upstream's --encryption-provider-config flags: a store that keeps what they name encrypted. */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../api/clock.ts'
import { followFile } from '../../apiserver/configuration-reload.ts'
import { ConfigurationFileError } from '../../apiserver/configuration-file.ts'
import { parseEncryptionConfiguration } from '../../apiserver/encryption/configuration.ts'
import { encryptedStore } from '../../apiserver/encryption/encrypted-store.ts'
import { resourceTransformers, type ResourceTransformers } from '../../apiserver/encryption/resource-transformers.ts'
import type { HealthCheck } from '../../apiserver/health.ts'
import type { Log } from '../../client/component.ts'
import type { Store } from '../../store/store.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'
import { untilAborted } from './until-aborted.ts'

export const encryptionFlags = ['encryption-provider-config', 'encryption-provider-config-automatic-reload'] as const

export interface Encryption { store: Store; healthChecks: readonly HealthCheck[]; run(signal: AbortSignal): Promise<void> }

/** The configuration's file and its text, which is right; undefined where there is none. Throws UserError. */
export const encryptionTextFrom = async (flags: Flags): Promise<{ file: string; text: string } | undefined> => {
  const file = flags.get('encryption-provider-config')
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw new UserError(`wherry apiserver: --encryption-provider-config: ${error.message}`) })
  try {
    parseEncryptionConfiguration(text, file)
  } catch (error) {
    throw error instanceof ConfigurationFileError ? new UserError(`wherry apiserver: --encryption-provider-config: ${error.message}`) : error
  }
  return { file, text }
}

/** `store` itself where nothing is to be encrypted. */
export const encryptionFrom = async (flags: Flags, store: Store, { clock, log }: { clock: Clock; log: Log }): Promise<Encryption> => {
  const found = await encryptionTextFrom(flags)
  const reload = flags.get('encryption-provider-config-automatic-reload') ?? 'false'
  if (reload !== 'true' && reload !== 'false') throw new UserError(`wherry apiserver: --encryption-provider-config-automatic-reload: must be true or false, not ${JSON.stringify(reload)}`)
  if (found === undefined) {
    if (reload === 'true') throw new UserError('wherry apiserver: --encryption-provider-config-automatic-reload: --encryption-provider-config is needed with it')
    return { store, healthChecks: [], run: untilAborted }
  }
  const { file, text } = found
  const loaded = async (text: string): Promise<ResourceTransformers> => resourceTransformers(parseEncryptionConfiguration(text, file), clock)
  let current = await loaded(text)
  const sealed = encryptedStore(store, current)
  const apply = async (next: string): Promise<void> => {
    const transformers = await loaded(next)
    // What does not answer would make every write fail.
    await transformers.check()
    current = transformers
    sealed.use(transformers)
  }
  return {
    store: sealed,
    healthChecks: [{ name: 'kms-providers', check: async () => { await current.check(); return undefined } }],
    run: (signal) => (reload === 'true' ? followFile({ file, text, apply, log }, signal) : untilAborted(signal)),
  }
}
