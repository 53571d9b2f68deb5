/** XSalsa20-Poly1305: nonce and box. As upstream's, a box is not bound to its path. Mirrors apiserver's `pkg/storage/value/encrypt/secretbox`. */
import { randomBytes } from 'node:crypto'
import { secretboxOpen, secretboxSeal } from './salsa.ts'
import type { Transformer } from './transformer.ts'

const nonceBytes = 24

export const secretbox = (key: Uint8Array): Pick<Transformer, 'seal' | 'open'> => ({
  seal: (value) => {
    const nonce = randomBytes(nonceBytes)
    return Uint8Array.from(Buffer.concat([nonce, secretboxSeal(value, nonce, key)]))
  },
  open: (sealed) => {
    if (sealed.length < nonceBytes + 16) throw new Error('the stored data was shorter than the required size')
    const value = secretboxOpen(sealed.subarray(nonceBytes), sealed.subarray(0, nonceBytes), key)
    if (!value) throw new Error('value could not be decrypted')
    return value
  },
})
