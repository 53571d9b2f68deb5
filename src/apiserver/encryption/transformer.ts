/** What turns values into what lies in the store, and back. Mirrors `k8s.io/apiserver/pkg/storage/value`. */
export interface Transformer {
  /** What its values begin with in the store: `k8s:enc:aescbc:v1:key1:`; '' for plain ones. */
  readonly prefix: string
  /** Without the prefix. `path` is the key of the value in the store: what can be bound to it is. */
  seal(value: Uint8Array, path: string): Uint8Array | Promise<Uint8Array>
  /** Of what `seal` made; rejects or throws for anything else, without telling any of it. */
  open(sealed: Uint8Array, path: string): Uint8Array | Promise<Uint8Array>
  /** Whether it would be sealed otherwise today, under another key. */
  isOld?(sealed: Uint8Array): boolean | Promise<boolean>
}

export const sealedPrefix = 'k8s:enc:'

export const startsWith = (value: Uint8Array, prefix: string): boolean => {
  if (value.length < prefix.length) return false
  for (let at = 0; at < prefix.length; at += 1) if (value[at] !== prefix.charCodeAt(at)) return false
  return true
}

export const plain: Transformer = {
  prefix: '',
  seal: (value) => value,
  open: (value) => {
    if (startsWith(value, sealedPrefix)) throw new Error('identity transformer tried to read encrypted data')
    return value
  },
}
