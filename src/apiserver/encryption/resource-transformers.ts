/** Which transformers the values of a resource go through. Mirrors apiserver's `pkg/server/options/encryptionconfig`. */
import type { Clock } from '../../api/clock.ts'
import { aesCbc, aesGcm } from './aes.ts'
import type { EncryptionConfiguration, Provider } from './configuration.ts'
import { type Envelope, envelope } from './envelope.ts'
import { localKeyService } from './key-service.ts'
import { secretbox } from './secretbox.ts'
import { plain, startsWith, type Transformer } from './transformer.ts'

const sealings = { aescbc: aesCbc, aesgcm: aesGcm, secretbox }

/** Several keys and providers as one: the first writes, whoever's prefix a value has reads it. */
export interface Chain {
  seal(value: Uint8Array, path: string): Uint8Array | Promise<Uint8Array>
  /** `old`: not as it would be written today. */
  open(stored: Uint8Array, path: string): Promise<{ value: Uint8Array; old: boolean }>
}

export class TransformError extends Error { override readonly name = 'TransformError' }

const chainOf = (transformers: readonly Transformer[]): Chain => {
  const [first = plain] = transformers
  const prefix = Buffer.from(first.prefix)
  const prefixed = (sealed: Uint8Array): Uint8Array => (prefix.length === 0 ? sealed : Uint8Array.from(Buffer.concat([prefix, sealed])))
  return {
    seal: (value, path) => {
      const sealed = first.seal(value, path)
      return sealed instanceof Promise ? sealed.then(prefixed) : prefixed(sealed)
    },
    open: async (stored, path) => {
      const errors: string[] = []
      for (const transformer of transformers) {
        if (!startsWith(stored, transformer.prefix)) continue
        const sealed = stored.subarray(transformer.prefix.length)
        try {
          const value = await transformer.open(sealed, path)
          return { value, old: transformer !== first || ((await transformer.isOld?.(sealed)) ?? false) }
        } catch (error) {
          errors.push((error as Error).message)
          // What has a prefix is nobody else's.
          if (transformer.prefix !== '') break
        }
      }
      throw new TransformError(`unable to transform key ${JSON.stringify(path)}: ${errors.length > 0 ? errors.join(', ') : 'no matching prefix found: no provider of --encryption-provider-config has the key that it was written with'}`)
    },
  }
}

export interface ResourceTransformers {
  /** Undefined: values of this resource lie in the store as they are. `resource` is `secrets` or `deployments.apps`. */
  of(resource: string): Chain | undefined
  /** Rejects with what is wrong with a key service. */
  check(): Promise<void>
  close(): void
}

export const resourceTransformers = async (configuration: EncryptionConfiguration, clock: Pick<Clock, 'now' | 'monotonic'>): Promise<ResourceTransformers> => {
  const envelopes: Envelope[] = []
  const made = async (provider: Provider): Promise<Transformer[]> => {
    if (provider.type === 'identity') return [plain]
    if (provider.type !== 'kms') return provider.keys.map(({ name, secret }) => ({ prefix: `k8s:enc:${provider.type}:v1:${name}:`, ...sealings[provider.type](Buffer.from(secret, 'base64')) }))
    const { name, endpoint, timeoutMs } = provider
    const service = endpoint.startsWith('file://') ? localKeyService(endpoint.slice('file://'.length)) : (await import('./grpc-key-service.ts')).grpcKeyService({ endpoint, timeoutMs, clock })
    const one = envelope(name, service, clock)
    envelopes.push(one)
    return [one]
  }
  const exact = new Map<string, Chain>()
  const wild: { matches(resource: string): boolean; chain: Chain }[] = []
  for (const { resources, providers } of configuration.resources) {
    const chain = chainOf((await Promise.all(providers.map(made))).flat())
    for (const resource of resources) {
      if (resource === '*.*') wild.push({ chain, matches: () => true })
      else if (resource === '*.') wild.push({ chain, matches: (each) => !each.includes('.') })
      else if (resource.startsWith('*.')) wild.push({ chain, matches: (each) => each.includes('.') && each.slice(each.indexOf('.') + 1) === resource.slice(2) })
      else exact.set(resource, chain)
    }
  }
  return {
    of: (resource) => exact.get(resource) ?? wild.find(({ matches }) => matches(resource))?.chain,
    check: async () => { for (const each of envelopes) await each.check() },
    close: () => { for (const each of envelopes) each.close() },
  }
}
