/** How a value that is sealed with a key service lies in the store: upstream's protobuf message EncryptedObject (`pkg/storage/value/encrypt/envelope/kmsv2/v2/api.proto`). */
export interface EncryptedObject {
  encryptedData: Uint8Array
  keyId: string
  /** What the key of the data comes from, sealed by the service. */
  encryptedSource: Uint8Array
  annotations: ReadonlyMap<string, Uint8Array>
  /** 0: the source is an AES key; 1: a seed for keys. */
  sourceType: number
}

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
const field = (number: number, bytes: Uint8Array): Buffer => (bytes.length === 0 ? Buffer.alloc(0) : Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]))

export const encodeEncryptedObject = ({ encryptedData, keyId, encryptedSource, annotations, sourceType }: EncryptedObject): Buffer => Buffer.concat([
  field(1, encryptedData), field(2, Buffer.from(keyId)), field(3, encryptedSource),
  ...[...annotations].map(([name, value]) => field(4, Buffer.concat([field(1, Buffer.from(name)), field(2, value)]))),
  ...(sourceType === 0 ? [] : [Buffer.concat([varint(5 * 8), varint(sourceType)])]),
])

const fieldsOf = function* (bytes: Uint8Array): Generator<[number: number, value: number | Uint8Array]> {
  let at = 0
  const read = (): number => {
    let value = 0
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      const byte = bytes[at]
      if (byte === undefined) break
      at += 1
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
    throw new Error('the stored data is no EncryptedObject')
  }
  while (at < bytes.length) {
    const tag = read()
    if ((tag & 7) === 0) yield [tag >>> 3, read()]
    else if ((tag & 7) === 2) {
      const length = read()
      if (at + length > bytes.length) throw new Error('the stored data is no EncryptedObject')
      yield [tag >>> 3, bytes.subarray(at, at += length)]
    } else throw new Error('the stored data is no EncryptedObject')
  }
}

const bytesOf = (value: number | Uint8Array): Uint8Array => (typeof value === 'number' ? new Uint8Array() : value)

export const decodeEncryptedObject = (bytes: Uint8Array): EncryptedObject => {
  const annotations = new Map<string, Uint8Array>()
  const object = { encryptedData: new Uint8Array() as Uint8Array, keyId: '', encryptedSource: new Uint8Array() as Uint8Array, annotations, sourceType: 0 }
  for (const [number, value] of fieldsOf(bytes)) {
    if (number === 1) object.encryptedData = bytesOf(value)
    else if (number === 2) object.keyId = Buffer.from(bytesOf(value)).toString()
    else if (number === 3) object.encryptedSource = bytesOf(value)
    else if (number === 5) object.sourceType = typeof value === 'number' ? value : 0
    else if (number === 4) {
      const entry = new Map(fieldsOf(bytesOf(value)))
      annotations.set(Buffer.from(bytesOf(entry.get(1) ?? 0)).toString(), bytesOf(entry.get(2) ?? 0))
    }
  }
  return object
}
