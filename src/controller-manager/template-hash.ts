/** The hash in a ReplicaSet's name and `pod-template-hash`, and in a ControllerRevision's. Mirrors pkg/controller/controller_utils.go ComputeHash; the template is encoded as canonical JSON instead of Go's dump. */
import { canonicalJson } from './canonical.ts'

/** FNV-1a, 32 bit, of UTF-8 bytes. */
export const fnv32a = (bytes: Iterable<number>): number => {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** A decimal number in characters that spell no word: apimachinery's util/rand.SafeEncodeString. */
export const safeEncode = (text: string): string => [...text].map((each) => alphabet[each.charCodeAt(0) % alphabet.length]).join('')

/** `collisionCount`, as uint32 in eight little-endian bytes, is hashed too when it is set, so that a name already taken can be avoided. */
export const computeHash = (template: unknown, collisionCount?: number): string => {
  const bytes = [...new TextEncoder().encode(canonicalJson(template))]
  if (collisionCount !== undefined) bytes.push(collisionCount & 255, (collisionCount >> 8) & 255, (collisionCount >> 16) & 255, (collisionCount >>> 24) & 255, 0, 0, 0, 0)
  return safeEncode(String(fnv32a(bytes)))
}
