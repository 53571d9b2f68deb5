/** The order of a merged list: what the patch names keeps the patch's order, the rest the server's, interleaved as near to the server's as both allow. */
import type { JsonValue } from '../meta.ts'

/** Tells items apart: by merge key, or themselves. */
export type IdentityOf = (item: JsonValue) => unknown

const positions = (items: readonly JsonValue[], identityOf: IdentityOf): ReadonlyMap<unknown, number> => {
  const found = new Map<unknown, number>()
  for (const [index, item] of items.entries()) if (!found.has(identityOf(item))) found.set(identityOf(item), index)
  return found
}

/** `items` in the order of `wanted` and `server`. Mirrors strategicpatch's normalizeElementOrder. */
export const inElementOrder = (items: readonly JsonValue[], order: { wanted: readonly JsonValue[]; server: readonly JsonValue[] }, identityOf: IdentityOf): JsonValue[] => {
  const wanted = positions(order.wanted, identityOf)
  const server = positions(order.server, identityOf)
  const rank = (of: ReadonlyMap<unknown, number>, item: JsonValue): number => of.get(identityOf(item)) ?? Number.MAX_SAFE_INTEGER
  const named = items.filter((item) => wanted.has(identityOf(item))).sort((a, b) => rank(wanted, a) - rank(wanted, b))
  const rest = items.filter((item) => !wanted.has(identityOf(item))).sort((a, b) => rank(server, a) - rank(server, b))
  const result: JsonValue[] = []
  let next = 0
  for (const item of named) {
    const place = server.get(identityOf(item))
    while (place !== undefined && next < rest.length && rank(server, rest[next] as JsonValue) < place) result.push(rest[next++] as JsonValue)
    result.push(item)
  }
  return [...result, ...rest.slice(next)]
}
