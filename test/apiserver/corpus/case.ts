/**
 * The corpus's case format. A case names where upstream says so, what exists before, one request, and the answer that upstream's words promise; `then` are further
 * requests that show what it did. In every text, `{ns}` is the case's own namespace (also a prefix for the names of cluster-scoped objects), `{cm}` and the like
 * are collections in it (see runner.ts), and `{x}` is what an earlier request saved as x. Expectations are written from the source, never from our own answers.
 */
import type { JsonObject } from '../../../src/api/meta.ts'

/** Stands for a member that must not be there. */
export const absent: unique symbol = Symbol('absent')
/** Stands for any value that is there. */
export const present: unique symbol = Symbol('present')

/** What a JSON value must look like: maps by the members named, lists item by item, texts also by a pattern. */
export type Like = string | number | boolean | null | RegExp | typeof absent | typeof present | readonly Like[] | { readonly [key: string]: Like }

export interface Expected {
  status: number
  /** Of the answer's body, as far as it matters. */
  body?: Like
  /** Of the answer. */
  headers?: Readonly<Record<string, Like>>
  /** The body as it is. */
  text?: string | RegExp
  /** Status errors in short: `reason` and `message` of a body of kind Status with this code. */
  reason?: string
  message?: string | RegExp
}

export interface Step extends Expected {
  /** `GET {cm}/a?watch=1` */
  ask: string
  /** Headers of the request. */
  with?: Readonly<Record<string, string>>
  /** Its body: an object is sent as JSON (of a PATCH: as a merge patch), a text or bytes as they are. */
  send?: unknown
  /** User name; absent: an administrator. `groups` follow in brackets: `jane[dev,ops]`. */
  as?: string
  /** name → path into the answer's body (`metadata.uid`). */
  save?: Readonly<Record<string, string>>
}

/** A request on the way to the case: any 2xx will do. */
export type Given = JsonObject | (Omit<Step, 'status'> & { ask: string })

export interface WatchCase {
  /** The path of a watch. */
  watch: string
  with?: Readonly<Record<string, string>>
  /** What happens while it is open. */
  meanwhile?: readonly Given[]
  /** Its first events, in order. */
  events: readonly Like[]
  /** Whether it must end by itself after these. */
  ends?: boolean
}

interface Described {
  name: string
  /** Made by one of the functions of sources.ts. */
  source: Source
  given?: readonly Given[]
}

export type Case = Described & (Step | WatchCase) & { then?: readonly Step[] }

export interface Source { kind: 'conformance' | 'page' | 'reference' | 'code'; where: string }

/** A behaviour of the conformance suite, by its testname. */
export const conformance = (testname: string): Source => ({ kind: 'conformance', where: testname })
/** A page of kubernetes.io/docs, with its section. */
export const page = (path: string, section: string): Source => ({ kind: 'page', where: `https://kubernetes.io/docs/${path}#${section}` })
/** What the API reference says of a field or parameter, by its place in the OpenAPI definitions. */
export const reference = (definition: string): Source => ({ kind: 'reference', where: definition })
/** Upstream's own source or tests, by the file in kubernetes/kubernetes. */
export const code = (file: string): Source => ({ kind: 'code', where: file })

export const isWatch = (each: Case): each is Described & WatchCase & { then?: readonly Step[] } => 'watch' in each
