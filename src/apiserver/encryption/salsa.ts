/** XSalsa20 and Poly1305, as NaCl's secretbox puts them together (Bernstein, "Cryptography in NaCl", "Extending the Salsa20 nonce", "The Poly1305-AES message-authentication code"): node:crypto has neither. */
import { timingSafeEqual } from 'node:crypto'

const constants = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const
const steps = [
  [4, 0, 12, 7], [8, 4, 0, 9], [12, 8, 4, 13], [0, 12, 8, 18], [9, 5, 1, 7], [13, 9, 5, 9], [1, 13, 9, 13], [5, 1, 13, 18],
  [14, 10, 6, 7], [2, 14, 10, 9], [6, 2, 14, 13], [10, 6, 2, 18], [3, 15, 11, 7], [7, 3, 15, 9], [11, 7, 3, 13], [15, 11, 7, 18],
  [1, 0, 3, 7], [2, 1, 0, 9], [3, 2, 1, 13], [0, 3, 2, 18], [6, 5, 4, 7], [7, 6, 5, 9], [4, 7, 6, 13], [5, 4, 7, 18],
  [11, 10, 9, 7], [8, 11, 10, 9], [9, 8, 11, 13], [10, 9, 8, 18], [12, 15, 14, 7], [13, 12, 15, 9], [14, 13, 12, 13], [15, 14, 13, 18],
] as const

const doubleRounds = (words: Uint32Array): void => {
  for (let round = 0; round < 10; round += 1) {
    for (const [to, a, b, turn] of steps) {
      const sum = ((words[a] ?? 0) + (words[b] ?? 0)) | 0
      words[to] = (words[to] ?? 0) ^ ((sum << turn) | (sum >>> (32 - turn)))
    }
  }
}

const wordsOf = (bytes: Uint8Array): number[] => Array.from({ length: bytes.length / 4 }, (_, index) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(index * 4))

const matrix = (key: readonly number[], input: readonly number[]): Uint32Array => {
  const [c0, c1, c2, c3] = constants
  return Uint32Array.of(c0, ...key.slice(0, 4), c1, ...input, c2, ...key.slice(4), c3)
}

const little = (words: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(words.length * 4)
  words.forEach((word, index) => bytes.writeUInt32LE(word >>> 0, index * 4))
  return bytes
}

/** `length` bytes of the key stream, for a key of 32 bytes and a nonce of 24. */
const keyStream = (key: Uint8Array, nonce: Uint8Array, length: number): Buffer => {
  const first = matrix(wordsOf(key), wordsOf(nonce.subarray(0, 16)))
  doubleRounds(first)
  const subkey = [0, 5, 10, 15, 6, 7, 8, 9].map((index) => first[index] ?? 0)
  const rest = wordsOf(nonce.subarray(16, 24))
  const blocks: Buffer[] = []
  for (let count = 0; count * 64 < length; count += 1) {
    const start = matrix(subkey, [...rest, count, 0])
    const words = start.slice()
    doubleRounds(words)
    blocks.push(little(Array.from(words, (word, index) => (word + (start[index] ?? 0)) | 0)))
  }
  return Buffer.concat(blocks, length)
}

const littleNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`)

const poly1305 = (key: Uint8Array, message: Uint8Array): Buffer => {
  const prime = (1n << 130n) - 5n
  const r = littleNumber(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
  let sum = 0n
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16)
    sum = ((sum + littleNumber(block) + (1n << BigInt(block.length * 8))) * r) % prime
  }
  const tag = (sum + littleNumber(key.subarray(16, 32))) & ((1n << 128n) - 1n)
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse()
}

const xor = (bytes: Uint8Array, stream: Uint8Array): Uint8Array => Uint8Array.from(bytes, (byte, index) => byte ^ (stream[index] ?? 0))

/** Tag and ciphertext. */
export const secretboxSeal = (message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array => {
  const stream = keyStream(key, nonce, 32 + message.length)
  const sealed = xor(message, stream.subarray(32))
  return Uint8Array.from(Buffer.concat([poly1305(stream, sealed), sealed]))
}

/** Undefined when the box was not made with this key and nonce. */
export const secretboxOpen = (box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined => {
  const [tag, sealed] = [box.subarray(0, 16), box.subarray(16)]
  const stream = keyStream(key, nonce, 32 + sealed.length)
  return tag.length === 16 && timingSafeEqual(tag, poly1305(stream, sealed)) ? xor(sealed, stream.subarray(32)) : undefined
}
