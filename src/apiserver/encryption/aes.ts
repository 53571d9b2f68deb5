/** AES in both of upstream's modes. Mirrors apiserver's `pkg/storage/value/encrypt/aes`. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import type { Transformer } from './transformer.ts'

const nonceBytes = 12
const tagBytes = 16
const blockBytes = 16
const infoBytes = 32

type Sealing = Pick<Transformer, 'seal' | 'open'>
/** A plain array of its own: the store may keep it as it is. */
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))

/** Nonce, ciphertext and tag; the tag covers the path, so that a value is worth nothing elsewhere. */
export const aesGcm = (key: Uint8Array): Sealing => {
  const mode = `aes-${(key.length * 8) as 128 | 192 | 256}-gcm` as const
  return {
    seal: (value, path) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(mode, key, nonce)
      cipher.setAAD(Buffer.from(path))
      return joined(nonce, cipher.update(value), cipher.final(), cipher.getAuthTag())
    },
    open: (sealed, path) => {
      if (sealed.length < nonceBytes + tagBytes) throw new Error('the stored data was shorter than the required size')
      const decipher = createDecipheriv(mode, key, sealed.subarray(0, nonceBytes))
      decipher.setAAD(Buffer.from(path))
      decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
      return joined(decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final())
    },
  }
}

/** Initialization vector and ciphertext, padded as PKCS #7. Nothing is authenticated: upstream's oldest form, which it advises against. */
export const aesCbc = (key: Uint8Array): Sealing => {
  const mode = `aes-${key.length * 8}-cbc`
  return {
    seal: (value) => {
      const vector = randomBytes(blockBytes)
      const cipher = createCipheriv(mode, key, vector)
      return joined(vector, cipher.update(value), cipher.final())
    },
    open: (sealed) => {
      if (sealed.length < 2 * blockBytes) throw new Error('the stored data was shorter than the required size')
      if (sealed.length % blockBytes !== 0) throw new Error('the stored data is not a multiple of the block size')
      const decipher = createDecipheriv(mode, key, sealed.subarray(0, blockBytes))
      return joined(decipher.update(sealed.subarray(blockBytes)), decipher.final())
    },
  }
}

/** A key of its own for every value, drawn from the seed by 32 random bytes that stand before it: no number of writes wears the seed out. */
export const extendedNonceGcm = (seed: Uint8Array): Sealing => {
  // The first block of HKDF's expansion, of SHA-256: all that a key needs.
  const derived = (info: Uint8Array): Buffer => createHmac('sha256', seed).update(info).update(Uint8Array.of(1)).digest()
  return {
    seal: (value, path) => {
      const info = randomBytes(infoBytes)
      return joined(info, aesGcm(derived(info)).seal(value, path) as Uint8Array)
    },
    open: (sealed, path) => {
      if (sealed.length < infoBytes) throw new Error('the stored data was shorter than the required size')
      return aesGcm(derived(sealed.subarray(0, infoBytes))).open(sealed.subarray(infoBytes), path)
    },
  }
}
