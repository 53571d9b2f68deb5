/** Runs a case: its own namespace, what is given, the request, and what follows. */
import type { JsonObject } from '../../../src/api/meta.ts'
import { apiVersionOf, resourcePath } from '../../../src/api/kinds.ts'
import type { InMemoryResponse } from '../../../src/apiserver/listener/in-memory-line.ts'
import { kindOf } from '../../../src/apiserver/resource-table.ts'
import type { UserInfo } from '../../../src/apiserver/registry/strategy.ts'
import { type Case, type Expected, type Given, isWatch, type Like, type Step, type WatchCase } from './case.ts'
import { differences } from './like.ts'
import type { CorpusServer } from './server.ts'

const namespaced = '/namespaces/{ns}'
/** What the short names in paths stand for. */
const collections: Readonly<Record<string, string>> = {
  ...Object.fromEntries([['cm', 'configmaps'], ['secrets', 'secrets'], ['pods', 'pods'], ['svc', 'services'], ['sa', 'serviceaccounts'], ['ep', 'endpoints'], ['events', 'events']].map(([short, plural]) => [short, `/api/v1${namespaced}/${plural}`])),
  ...Object.fromEntries([['deploy', 'deployments'], ['rs', 'replicasets'], ['ds', 'daemonsets'], ['cr', 'controllerrevisions']].map(([short, plural]) => [short, `/apis/apps/v1${namespaced}/${plural}`])),
  jobs: `/apis/batch/v1${namespaced}/jobs`, leases: `/apis/coordination.k8s.io/v1${namespaced}/leases`, slices: `/apis/discovery.k8s.io/v1${namespaced}/endpointslices`,
  newevents: `/apis/events.k8s.io/v1${namespaced}/events`, rbac: '/apis/rbac.authorization.k8s.io/v1',
  roles: `/apis/rbac.authorization.k8s.io/v1${namespaced}/roles`, rolebindings: `/apis/rbac.authorization.k8s.io/v1${namespaced}/rolebindings`,
  namespaces: '/api/v1/namespaces', nodes: '/api/v1/nodes', reviews: '/apis/authorization.k8s.io/v1',
}

const longestWaitMs = 10_000
const administrator: UserInfo = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }

/** `jane[dev,ops]`; `-` is nobody. */
const userOf = (as: string | undefined): UserInfo | undefined => {
  if (as === undefined) return administrator
  if (as === '-') return undefined
  const [, name = '', groups = ''] = /^([^[]+)(?:\[(.*)\])?$/.exec(as) ?? []
  return { name, groups: [...groups.split(',').filter(Boolean), 'system:authenticated'] }
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RegExp) && !(value instanceof Uint8Array)

interface Answer { status: number; headers: Readonly<Record<string, string>>; bytes: Buffer }

const jsonOf = ({ headers, bytes }: Answer): unknown => {
  if (!(headers['content-type'] ?? '').startsWith('application/json') || headers['content-encoding'] !== undefined || bytes.length === 0) return undefined
  return JSON.parse(bytes.toString())
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + Buffer.from(chunk).toString()).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
}

const told = ({ status, bytes }: Answer): string => `status ${status}: ${bytes.subarray(0, 400).toString()}`

/** A case while it runs: what its placeholders stand for. */
class Run {
  private readonly at: CorpusServer
  private readonly saved: Record<string, string>

  constructor(at: CorpusServer, namespace: string) {
    this.at = at
    this.saved = { ns: namespace }
  }

  private text(text: string): string {
    const expanded = text.replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => (Object.hasOwn(collections, name) ? (collections[name] ?? whole) : whole))
    return expanded.replaceAll(/\{([a-zA-Z]+)\}/g, (whole, name: string) => (Object.hasOwn(this.saved, name) ? (this.saved[name] ?? whole) : whole))
  }

  filled<T>(value: T): T {
    if (typeof value === 'string') return this.text(value) as T
    if (value instanceof RegExp) return new RegExp(this.text(value.source), value.flags) as T
    if (Array.isArray(value)) return value.map((each: unknown) => this.filled(each)) as T
    if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [this.text(key), this.filled(each)])) as T
    return value
  }

  private open(step: Pick<Step, 'ask' | 'with' | 'send' | 'as'>, signal: AbortSignal): Promise<InMemoryResponse> {
    const { ask, more, as } = this.filled({ ask: step.ask, more: step.with ?? {}, as: step.as })
    const [, method = '', path = ''] = /^(\S+) (.*)$/s.exec(ask) ?? []
    const body = this.filled(step.send)
    const sent = body === undefined ? undefined : body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const type = sent ? { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' } : {}
    return this.at.send({ method, path, headers: { ...type, ...more }, ...(sent && { body: sent }) }, userOf(as), signal)
  }

  private async answer(step: Pick<Step, 'ask' | 'with' | 'send' | 'as' | 'save'>): Promise<Answer> {
    const response = await this.open(step, AbortSignal.timeout(longestWaitMs))
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const answer = { status: response.status, headers: response.headers, bytes: Buffer.concat(chunks) }
    for (const [name, path] of Object.entries(step.save ?? {})) {
      let value: unknown = jsonOf(answer)
      for (const key of path.split('.')) value = isMap(value) || Array.isArray(value) ? (value as Record<string, unknown>)[key] : undefined
      this.saved[name] = String(value)
    }
    return answer
  }

  private asRequest(given: Given): Pick<Step, 'ask' | 'send'> {
    if ('ask' in given) return given as Step
    const { apiVersion, kind, metadata } = given as JsonObject & { metadata?: { namespace?: string } }
    const row = [...this.at.server.resources.all()].map(kindOf).find((each) => each.kind === kind && apiVersionOf(each) === apiVersion)
    if (!row) throw new Error(`no kind ${String(apiVersion)} ${String(kind)} is served`)
    return { ask: `POST ${resourcePath(row, { namespace: metadata?.namespace ?? this.saved['ns'] })}`.replaceAll('%7B', '{').replaceAll('%7D', '}'), send: given }
  }

  async give(given: readonly Given[]): Promise<string[]> {
    for (const each of given) {
      if ('ask' in each && each['ask'] === 'COMPACT') {
        await this.at.compact()
        continue
      }
      const answer = await this.answer(this.asRequest(each))
      if (answer.status >= 300) return [`given ${JSON.stringify(this.filled(each))}: ${told(answer)}`]
    }
    return []
  }

  private judge(answer: Answer, expected: Expected): string[] {
    const { status, body, headers = {}, text, reason, message } = this.filled({ ...expected })
    const about = (problems: string[]): string[] => (problems.length === 0 ? [] : [...problems, told(answer)])
    if (answer.status !== status) return [`expected status ${status}, found ${told(answer)}`]
    const content = body !== undefined || reason !== undefined || message !== undefined ? jsonOf(answer) : undefined
    const whole = answer.bytes.toString()
    return about([
      ...(body === undefined ? [] : differences(content, body as Like)),
      ...(reason === undefined ? [] : differences(content, { kind: 'Status', status: 'Failure', code: status, reason })),
      ...(message === undefined ? [] : differences(content, { message })),
      ...Object.entries(headers).flatMap(([name, value]) => differences(answer.headers[name], value, `header ${name}`)),
      ...(text === undefined ? [] : differences(whole, text, 'text')),
    ])
  }

  async step(step: Step): Promise<string[]> {
    return this.judge(await this.answer(step), step)
  }

  async watch({ watch, with: headers, meanwhile = [], events, ends = false }: WatchCase): Promise<string[]> {
    const stop = new AbortController()
    const late = AbortSignal.timeout(longestWaitMs)
    const response = await this.open({ ask: `GET ${watch}`, ...(headers && { with: headers }) }, AbortSignal.any([stop.signal, late]))
    const lines = linesOf(response.body)
    try {
      if (response.status !== 200) return [`the watch was answered with status ${response.status}`]
      const problems = await this.give(meanwhile)
      if (problems.length > 0) return problems
      for (const [index, expected] of events.entries()) {
        const { value, done } = await lines.next()
        if (done) return [`the watch ended before event ${index}${late.aborted ? ' (waited too long)' : ''}`]
        const wrong = differences(JSON.parse(value), this.filled(expected), `event ${index}`)
        if (wrong.length > 0) return [...wrong, value.slice(0, 400)]
      }
      if (!ends) return []
      const { value, done } = await lines.next()
      return done && !late.aborted ? [] : [`the watch did not end: ${value ?? 'waited too long'}`]
    } finally {
      stop.abort()
      await lines.return(undefined)
    }
  }
}

let count = 0

/** Everything that is not as expected; none: the case holds. */
export const runCase = async (at: CorpusServer, each: Case): Promise<string[]> => {
  const namespace = `c${(count += 1)}`
  const run = new Run(at, namespace)
  const problems = await run.give([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }, ...(each.given ?? []),
  ])
  if (problems.length > 0) return problems
  problems.push(...(isWatch(each) ? await run.watch(each) : await run.step(each)))
  for (const [index, step] of (each.then ?? []).entries()) {
    if (problems.length > 0) break
    problems.push(...(await run.step(step)).map((problem) => `then[${index}] ${step.ask}: ${problem}`))
  }
  return problems
}
