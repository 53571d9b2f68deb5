/** Values sealed with keys from a seed, and the seed sealed by a key service: the service is asked once for a seed, not for every value. Mirrors apiserver's `pkg/storage/value/encrypt/envelope/kmsv2`. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../api/clock.ts'
import { aesGcm, extendedNonceGcm } from './aes.ts'
import { decodeEncryptedObject, encodeEncryptedObject, type EncryptedObject } from './encrypted-object.ts'
import type { KeyService, SealedKey } from './key-service.ts'
import type { Transformer } from './transformer.ts'

const seedBytes = 32
const keySource = 0
const seedSource = 1
/** After this the service is asked anew which key it seals with. */
const statusEveryMs = 60_000
const mostSeeds = 1000

interface Seed { sealed: SealedKey; bytes: Uint8Array }

export interface Envelope extends Transformer {
  /** Rejects with why the service cannot be used. */
  check(): Promise<void>
  close(): void
}

export const envelope = (name: string, service: KeyService, clock: Pick<Clock, 'monotonic'>): Envelope => {
  let writing: { seed: Seed; at: number } | undefined
  let refreshing: Promise<Seed> | undefined
  const opened = new Map<string, Uint8Array>()

  const remember = (sealed: Uint8Array, bytes: Uint8Array): void => {
    if (opened.size >= mostSeeds) opened.delete(opened.keys().next().value ?? '')
    opened.set(Buffer.from(sealed).toString('base64'), bytes)
  }
  const refresh = async (): Promise<Seed> => {
    const { keyId } = await service.status()
    if (writing?.seed.sealed.keyId !== keyId) {
      const bytes = randomBytes(seedBytes)
      const sealed = await service.encrypt(bytes)
      remember(sealed.ciphertext, bytes)
      writing = { seed: { sealed, bytes }, at: clock.monotonic() }
    } else writing = { seed: writing.seed, at: clock.monotonic() }
    return writing.seed
  }
  const seedToWrite = (): Seed | Promise<Seed> => {
    if (writing && clock.monotonic() - writing.at < statusEveryMs) return writing.seed
    refreshing ??= refresh().finally(() => { refreshing = undefined })
    return refreshing
  }
  const source = async ({ encryptedSource, keyId, annotations }: EncryptedObject): Promise<Uint8Array> => {
    const known = opened.get(Buffer.from(encryptedSource).toString('base64'))
    if (known) return known
    const bytes = await service.decrypt({ keyId, ciphertext: encryptedSource, annotations })
    remember(encryptedSource, bytes)
    return bytes
  }

  return {
    prefix: `k8s:enc:kms:v2:${name}:`,
    seal: async (value, path) => {
      const { sealed, bytes } = await seedToWrite()
      const encryptedData = await extendedNonceGcm(bytes).seal(value, path)
      return Uint8Array.from(encodeEncryptedObject({ encryptedData, keyId: sealed.keyId, encryptedSource: sealed.ciphertext, annotations: sealed.annotations, sourceType: seedSource }))
    },
    open: async (sealed, path) => {
      const object = decodeEncryptedObject(sealed)
      if (object.sourceType !== keySource && object.sourceType !== seedSource) throw new Error('the stored data names a kind of key that is not known')
      const bytes = await source(object)
      return (object.sourceType === seedSource ? extendedNonceGcm(bytes) : aesGcm(bytes)).open(object.encryptedData, path)
    },
    isOld: async (sealed) => {
      const { keyId, sourceType } = decodeEncryptedObject(sealed)
      return sourceType !== seedSource || keyId !== (await seedToWrite()).sealed.keyId
    },
    check: async () => { await service.status() },
    close: () => service.close(),
  }
}
