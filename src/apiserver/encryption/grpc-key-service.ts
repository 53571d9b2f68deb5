/** A plugin of upstream's KMS v2 protocol behind a unix socket. Mirrors apiserver's `pkg/storage/value/encrypt/envelope/kmsv2/grpc_service.go`. */
import { Client, credentials, type MethodDefinition, type ServiceDefinition } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import type { Clock } from '../../api/clock.ts'
import { type KeyService, requestUid } from './key-service.ts'

const bytes = (id: number) => ({ type: 'bytes', id })
const text = (id: number) => ({ type: 'string', id })
const annotations = (id: number) => ({ keyType: 'string', type: 'bytes', id })
const call = (name: string) => ({ requestType: `${name}Request`, responseType: `${name}Response`, comment: '' })

const definitions = fromJSON({ nested: { v2: { nested: {
  KeyManagementService: { methods: { Status: call('Status'), Decrypt: call('Decrypt'), Encrypt: call('Encrypt') } },
  StatusRequest: { fields: {} },
  StatusResponse: { fields: { version: text(1), healthz: text(2), key_id: text(3) } },
  DecryptRequest: { fields: { ciphertext: bytes(1), uid: text(2), key_id: text(3), annotations: annotations(4) } },
  DecryptResponse: { fields: { plaintext: bytes(1) } },
  EncryptRequest: { fields: { plaintext: bytes(1), uid: text(2) } },
  EncryptResponse: { fields: { ciphertext: bytes(1), key_id: text(2), annotations: annotations(3) } },
} } } }, { keepCase: true, defaults: true, longs: String })
const methods = definitions['v2.KeyManagementService'] as ServiceDefinition

const maxKeyIdBytes = 1024

/** `endpoint` is unix:///path or unix://@abstract; every call ends after `timeoutMs`. */
export const grpcKeyService = ({ endpoint, timeoutMs, clock }: { endpoint: string; timeoutMs: number; clock: Pick<Clock, 'now'> }): KeyService => {
  const target = endpoint.startsWith('unix://@') ? `unix-abstract:${endpoint.slice('unix://@'.length)}` : `unix:${endpoint.slice('unix://'.length)}`
  const client = new Client(target, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' })
  const ask = <T>(name: string, request: object): Promise<T> => new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = methods[name] as MethodDefinition<object, T>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline: clock.now().getTime() + timeoutMs }, (error, answer) => {
      if (error) reject(new Error(`${endpoint}: ${error.message}`))
      else if (answer === undefined) reject(new Error(`${endpoint}: no answer`))
      else resolve(answer)
    })
  })
  const checkedId = (keyId: string): string => {
    if (keyId === '' || Buffer.byteLength(keyId) > maxKeyIdBytes) throw new Error(`${endpoint}: the key_id is ${keyId === '' ? 'empty' : `longer than ${maxKeyIdBytes} bytes`}`)
    return keyId
  }
  return {
    status: async () => {
      const { version, healthz, key_id: keyId } = await ask<{ version: string; healthz: string; key_id: string }>('Status', {})
      if (version !== 'v2' && version !== 'v2beta1') throw new Error(`${endpoint}: got version ${JSON.stringify(version)}, expected KMS version "v2"`)
      if (healthz !== 'ok') throw new Error(`${endpoint}: got unexpected healthz status: ${healthz}`)
      return { keyId: checkedId(keyId) }
    },
    encrypt: async (plaintext) => {
      const answer = await ask<{ ciphertext: Uint8Array; key_id: string; annotations: Record<string, Uint8Array> }>('Encrypt', { plaintext, uid: requestUid() })
      if (answer.ciphertext.length === 0) throw new Error(`${endpoint}: the ciphertext is empty`)
      return { keyId: checkedId(answer.key_id), ciphertext: answer.ciphertext, annotations: new Map(Object.entries(answer.annotations)) }
    },
    decrypt: async ({ keyId, ciphertext, annotations: given }) =>
      (await ask<{ plaintext: Uint8Array }>('Decrypt', { ciphertext, uid: requestUid(), key_id: keyId, annotations: Object.fromEntries(given) })).plaintext,
    close: () => client.close(),
  }
}
