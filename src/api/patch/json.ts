/**
 * JSON Patch (RFC 6902) as upstream's evanphx/json-patch v4 applies it: negative indexes count from the end, a test for null passes where nothing is.
 * Our own and not the package rfc6902, which walks into prototypes (`/metadata/toString/x`) and cannot bound what `copy` makes.
 */
import { deepCopy, deepEqual, own, setOwn } from '../equal.ts'
import type { JsonObject, JsonValue } from '../meta.ts'
import { badRequest, rejectedRequest, requestEntityTooLarge } from '../status.ts'

const maxOperations = 10_000
/** As upstream's JSONPatchMaxCopyBytes. */
const maxCopiedBytes = 3 * 1024 * 1024

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
type Container = JsonObject | JsonValue[]
const isContainer = (value: JsonValue | undefined): value is Container => typeof value === 'object' && value !== null

/** A path's last step, and the list or map that it is taken in; throws 422 where the way ends before. */
const locate = (document: JsonValue, path: string): { container: Container; key: string } => {
  const [first, ...steps] = path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const key = steps.pop()
  if (first !== '' || key === undefined) throw rejectedRequest()
  let container: JsonValue | undefined = document
  for (const step of steps) container = isContainer(container) ? read(container, step) : undefined
  if (!isContainer(container)) throw rejectedRequest()
  return { container, key }
}

/** A list's index; `length` is one more for a place to add at. */
const indexIn = (key: string, length: number): number => {
  if (!/^[-+]?[0-9]+$/.test(key)) throw rejectedRequest()
  const index = Number(key)
  const positive = index < 0 ? index + length : index
  if (positive < 0 || positive >= length) throw rejectedRequest()
  return positive
}

const read = (container: Container, key: string): JsonValue | undefined => (Array.isArray(container) ? container[indexIn(key, container.length)] : own(container, key))

const add = (document: JsonValue, path: string, value: JsonValue): void => {
  const { container, key } = locate(document, path)
  if (!Array.isArray(container)) setOwn(container, key, value)
  else if (key === '-') container.push(value)
  else container.splice(indexIn(key, container.length + 1), 0, value)
}

const remove = (document: JsonValue, path: string): JsonValue => {
  const { container, key } = locate(document, path)
  const value = read(container, key)
  if (value === undefined) throw rejectedRequest()
  if (Array.isArray(container)) container.splice(indexIn(key, container.length), 1)
  else delete container[key]
  return value
}

const replace = (document: JsonValue, path: string, value: JsonValue): void => {
  const { container, key } = locate(document, path)
  if (read(container, key) === undefined) throw rejectedRequest()
  if (Array.isArray(container)) container[indexIn(key, container.length)] = value
  else setOwn(container, key, value)
}

const find = (document: JsonValue, path: string): JsonValue | undefined => {
  if (path === '') return document
  const { container, key } = locate(document, path)
  return read(container, key)
}

const textOf = (operation: JsonObject, member: string): string => {
  const text = own(operation, member)
  if (typeof text !== 'string') throw rejectedRequest()
  return text
}

/** The patch's operations; throws 400 where it is no list of objects, 413 where they are too many. */
const operationsOf = (patch: JsonValue): JsonObject[] => {
  if (!Array.isArray(patch) || !patch.every(isObject)) {
    const [type, of] = Array.isArray(patch) ? ['value', 'jsonpatch.Operation'] : [patch === null ? 'null' : typeof patch === 'boolean' ? 'bool' : typeof patch, 'jsonpatch.Patch']
    throw badRequest(`json: cannot unmarshal ${type} into Go value of type ${of}`)
  }
  if (patch.length > maxOperations) throw requestEntityTooLarge(`Request entity too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`)
  return patch
}

/** The document after the patch; the one given is not changed. Throws StatusError: 400 for what is no patch, 413, 422 for one that does not apply. */
export const applyJsonPatch = (document: JsonValue, patch: JsonValue): JsonValue => {
  const result = deepCopy(document)
  let copied = 0
  for (const operation of operationsOf(patch)) {
    const path = textOf(operation, 'path')
    const value = deepCopy(own(operation, 'value') ?? null)
    switch (own(operation, 'op')) {
      case 'add': add(result, path, value); break
      case 'remove': remove(result, path); break
      case 'replace': replace(result, path, value); break
      case 'move': {
        const from = textOf(operation, 'from')
        if (path.startsWith(`${from}/`)) throw rejectedRequest()
        add(result, path, remove(result, from))
        break
      }
      case 'copy': {
        const source = find(result, textOf(operation, 'from')) ?? null
        copied += JSON.stringify(source).length
        if (copied > maxCopiedBytes) throw rejectedRequest()
        add(result, path, deepCopy(source))
        break
      }
      case 'test': if (!deepEqual(find(result, path) ?? null, value)) throw rejectedRequest(); break
      default: throw rejectedRequest()
    }
  }
  return result
}
