/** Places where the API server is broken on purpose, one at a time: an exact text of a file, and what stands there instead. Each is a mistake that somebody could make. */
export interface Mutation { name: string; file: string; find: string; replace: string }

const handlers = 'src/apiserver/handlers'
const cache = 'src/apiserver/watch-cache'
const patches = 'src/api/patch'

export const mutations: readonly Mutation[] = [
  { name: 'a list with a limit gives no token', file: `${handlers}/list.ts`, find: 'if (at.limit > 0 && objects.length === at.limit && index + 1 < slots.length) {', replace: 'if (at.limit < 0 && objects.length === at.limit && index + 1 < slots.length) {' },
  { name: 'the next chunk begins with the last object of the one before', file: `${handlers}/list.ts`, find: 'meta.continue = encodeContinue({ revision: at.revision, start: `${object.key.slice(rangeStart(cache, selection.namespace).length)}\\0` })', replace: 'meta.continue = encodeContinue({ revision: at.revision, start: object.key.slice(rangeStart(cache, selection.namespace).length) })' },
  { name: 'chunks are of the newest moment, each', file: `${handlers}/list.ts`, find: 'revision: token.revision < 0 ? undefined : token.revision, start', replace: 'revision: undefined, start' },
  { name: 'an exact version is only a lower bound', file: `${handlers}/list.ts`, find: "if (match === 'Exact' || (match === '' && limit > 0 && version > 0)) return", replace: "if (match === 'exact') return" },
  { name: 'remaining items are counted with selectors, too', file: `${handlers}/list.ts`, find: 'if (!selection.filtered) meta.remainingItemCount = slots.length - objects.length', replace: 'meta.remainingItemCount = slots.length - objects.length' },
  { name: 'a watch from a version shows what exists', file: `${handlers}/watch.ts`, find: "sendInitialEvents ?? (resourceVersion === '' || resourceVersion === '0')", replace: 'sendInitialEvents ?? resourceVersion !== undefined' },
  { name: 'a watch forgets what happened since its version', file: `${handlers}/watch.ts`, find: 'for (const event of missed) if', replace: 'for (const event of missed.slice(1)) if' },
  { name: 'initial events end without a bookmark', file: `${handlers}/watch.ts`, find: 'if (options.sendInitialEvents === true && options.allowWatchBookmarks)', replace: 'if (options.sendInitialEvents === false && options.allowWatchBookmarks)' },
  { name: 'what leaves a selection is told as MODIFIED', file: `${cache}/cache-event.ts`, find: "return was && this.departed ? { type: 'DELETED', object: this.departed }", replace: "return was && this.departed ? { type: 'MODIFIED', object: this.departed }" },
  { name: 'what enters a selection is told as MODIFIED', file: `${cache}/cache-event.ts`, find: "{ type: was ? 'MODIFIED' : 'ADDED', object: this.current }", replace: "{ type: this.previous ? 'MODIFIED' : 'ADDED', object: this.current }" },
  { name: 'DELETED carries the version before', file: `${cache}/cache-event.ts`, find: 'this.last ??= this.previous?.at(this.revision)', replace: 'this.last ??= this.previous' },
  { name: 'a forgotten version is not noticed', file: `${cache}/event-ring.ts`, find: 'if (revision < this.complete) return undefined', replace: 'if (revision < 0) return undefined' },
  { name: 'stale updates are accepted', file: `${handlers}/update-object.ts`, find: 'if (resourceVersion !== String(old.revision)) throw staleWrite(kind, name)', replace: 'if (resourceVersion > String(old.revision)) throw staleWrite(kind, name)' },
  { name: 'an update that changes nothing is written', file: `${handlers}/update-object.ts`, find: 'if (!deepEqual(rest, oldRest)) return false', replace: 'if (deepEqual(rest, oldRest)) return false' },
  { name: 'a PUT changes the status', file: `${handlers}/update-object.ts`, find: "if (kind.subresources.some(({ name }) => name === 'status')) keepStatus(next, old)", replace: "if (kind.subresources.some(({ name }) => name === 'state')) keepStatus(next, old)" },
  { name: 'a new spec is no new generation', file: `${handlers}/update-object.ts`, find: 'next.metadata.generation = (old.metadata.generation ?? 0) + 1', replace: 'next.metadata.generation = old.metadata.generation ?? 1' },
  { name: 'dry runs of updates are stored', file: `${handlers}/update-object.ts`, find: 'else if (options.dryRun) return', replace: 'else if (options.dryRun && kind.group === "none") return' },
  { name: 'finalizers do not hold', file: `${handlers}/plan-deletion.ts`, find: 'const held = finalizers.length > 0 || strategy', replace: 'const held = finalizers.length > 9 || strategy' },
  { name: 'Orphan is Background', file: `${handlers}/plan-deletion.ts`, find: "propagationPolicy === undefined ? undefined : propagationPolicy === 'Orphan'", replace: "propagationPolicy === undefined ? undefined : propagationPolicy === 'orphan'" },
  { name: 'grace may become longer', file: `${handlers}/plan-deletion.ts`, find: 'if (asked === undefined || asked >= given)', replace: 'if (asked === undefined)' },
  { name: 'preconditions of deletion are not looked at', file: `${handlers}/delete-object.ts`, find: 'if (preconditions?.uid && preconditions.uid !== metadata.uid) {', replace: 'if (preconditions?.uid && preconditions.uid === metadata.name) {' },
  { name: 'deletecollection ignores the selector', file: `${handlers}/delete-collection.ts`, find: 'selectionOf(resource, namespace, query)', replace: "selectionOf(resource, namespace, { ...query, labelSelector: '' })" },
  { name: 'the last finalizer’s removal leaves the object', file: `${handlers}/finish-deletion.ts`, find: '(next.metadata.finalizers ?? []).length === 0 &&', replace: '(next.metadata.finalizers ?? []).length === 1 &&' },
  { name: 'finalizers can be added during deletion', file: `${handlers}/object-meta.ts`, find: '...(added.length > 0 ? [fieldError.forbidden', replace: '...(added.length > 5 ? [fieldError.forbidden' },
  { name: 'the client gives the uid', file: `${handlers}/object-meta.ts`, find: 'metadata.uid = random.uuid()', replace: 'metadata.uid ||= random.uuid()' },
  { name: 'any namespace of a body will do', file: `${handlers}/object-meta.ts`, find: 'else if (metadata.namespace !== namespace) throw badRequest', replace: 'else if (metadata.namespace === "") throw badRequest' },
  { name: 'null does not remove in a merge patch', file: `${patches}/merge.ts`, find: 'if (value === null || value === undefined) delete result[key]', replace: 'if (value === undefined) delete result[key]' },
  { name: 'a failed test of a JSON patch is no failure', file: `${patches}/json.ts`, find: "case 'test': if (!deepEqual(find(result, path) ?? null, value)) throw rejectedRequest(); break", replace: "case 'test': find(result, path); break" },
  { name: 'a JSON patch may have any number of operations', file: `${patches}/json.ts`, find: 'if (patch.length > maxOperations) throw', replace: 'if (patch.length < 0) throw' },
  { name: 'list items merge by position', file: `${patches}/strategic.ts`, find: "field?.patchStrategy === 'merge' ?", replace: "field?.patchStrategy === 'none' ?" },
  { name: 'force is never needed', file: `${patches}/apply/field-manager.ts`, find: 'const conflicts = force ? [] : conflictsWith(managers, entry.id, comparison)', replace: 'const conflicts = force ? conflictsWith(managers, entry.id, comparison) : []' },
  { name: 'what an applier leaves out stays', file: `${patches}/apply/field-manager.ts`, find: 'const last = previous?.set ?? emptySet', replace: 'const last = emptySet' },
  { name: 'unknown fields are never refused', file: 'src/api/decode.ts', find: "if (validation === 'Strict' && errors.length > 0) throw", replace: "if (validation === 'Strict' && errors.length > 50) throw" },
  { name: 'Accept’s quality does not count', file: 'src/apiserver/negotiation/accept.ts', find: 'right.quality - left.quality', replace: 'left.quality - right.quality' },
  { name: 'tables show no metadata', file: 'src/apiserver/negotiation/table.ts', find: "if (asked === '' || asked === 'Metadata') return 'Metadata'", replace: "if (asked === '' || asked === 'Metadata') return 'None'" },
  { name: 'large answers are never compressed', file: 'src/apiserver/negotiation/respond.ts', find: 'const worthCompressing = 128 * 1024', replace: 'const worthCompressing = 128 * 1024 * 1024' },
  { name: 'RBAC ignores the names of a rule', file: 'src/apiserver/authorization/rbac.ts', find: 'rule.resourceNames.includes(asked.name))', replace: 'rule.resourceNames.length > 0)' },
  { name: 'anybody may be impersonated', file: 'src/apiserver/filters/impersonate.ts', find: "if (verdict !== 'allow') throw refusal", replace: "if (verdict === 'deny') throw refusal" },
  { name: 'field selectors match everything', file: `${handlers}/selection.ts`, find: 'fields.length === 0 || fieldSelectorMatches(fields, valueOf(object.object))', replace: 'fields.length >= 0 || fieldSelectorMatches(fields, valueOf(object.object))' },
]
