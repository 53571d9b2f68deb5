/** Who keeps the keys that seal keys: upstream's KMS v2 (`k8s.io/kms/apis/v2/api.proto`), or a key file of this machine. */
import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { aesGcm } from './aes.ts'

export interface SealedKey { keyId: string; ciphertext: Uint8Array; annotations: ReadonlyMap<string, Uint8Array> }

export interface KeyService {
  /** Rejects when the service is not healthy; the key that it would seal with now. */
  status(): Promise<{ keyId: string }>
  encrypt(plaintext: Uint8Array): Promise<SealedKey>
  decrypt(sealed: SealedKey): Promise<Uint8Array>
  close(): void
}

const keyBytes = 32

/** A file with one key in base64, of 32 bytes, which only its owner may read: who reads the store without it reads nothing. */
export const localKeyService = (file: string): KeyService => {
  const key = async (): Promise<{ keyId: string; sealing: ReturnType<typeof aesGcm> }> => {
    const text = await readFile(file, 'utf8').catch((error: Error) => { throw new Error(`the key file cannot be read: ${error.message}`) })
    const bytes = Buffer.from(text.trim(), 'base64')
    if (bytes.length !== keyBytes) throw new Error(`${file} must hold ${keyBytes} bytes in base64, as of: head -c ${keyBytes} /dev/urandom | base64`)
    // The key's name is public: it must tell nothing of the key but whether it is the same.
    return { keyId: createHash('sha256').update('wherry local key ').update(bytes).digest('hex').slice(0, 16), sealing: aesGcm(bytes) }
  }
  return {
    status: async () => ({ keyId: (await key()).keyId }),
    encrypt: async (plaintext) => {
      const { keyId, sealing } = await key()
      return { keyId, ciphertext: await sealing.seal(plaintext, keyId), annotations: new Map() }
    },
    decrypt: async ({ keyId, ciphertext }) => {
      const known = await key()
      if (known.keyId !== keyId) throw new Error(`the value was sealed with key ${keyId}, and ${file} holds ${known.keyId}`)
      return known.sealing.open(ciphertext, keyId)
    },
    close: () => undefined,
  }
}

/** Upstream tells services apart by a request's uid in their logs. */
export const requestUid = (): string => randomUUID()
