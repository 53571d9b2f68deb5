/** /api, /apis and what lies below, in both forms. Documents are kept until the resource table changes. */
import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import { pathNotFound, resourceNotFound } from '../../api/status.ts'
import type { AggregatedDiscovery } from '../aggregation/aggregated-discovery.ts'
import type { Exchange } from '../exchange.ts'
import { clausesOf, isText, negotiate, plainShape } from '../negotiation/accept.ts'
import { protobufType } from '../negotiation/protobuf.ts'
import { respondJson } from '../negotiation/respond.ts'
import type { ResourceTable } from '../resource-table.ts'
import type { ConnectHandler } from '../streaming/connect-handler.ts'
import { apiGroup, groupDiscoveryList, groupsOf, type GroupVersions, resourceList } from './api-resources.ts'
import { type GroupDiscovery, mergedDiscovery, mergedGroups } from './merged.ts'

const aggregatedParameters = 'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** The type of text in which the first clause that we can serve asks for the aggregated form; undefined where it asks for the plain one, or none does. Mirrors upstream's WrapAggregatedDiscoveryToHandler. */
export const aggregatedTypeOf = (accept: string | undefined): 'application/json' | 'application/yaml' | undefined => {
  for (const { type, parameters: { as, g, v } } of clausesOf(accept ?? '')) {
    const isPlain = as === undefined && g === undefined && v === undefined
    if (isPlain && (isText(type) || type === protobufType)) return undefined
    if (isText(type) && as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && v === 'v2') return type === 'application/yaml' ? type : 'application/json'
  }
  return undefined
}

interface Document { bytes: Buffer; etag: string }

export interface DiscoveryParts {
  table: ResourceTable
  connectHandlers: readonly ConnectHandler[]
  /** host:port that clients reach us at. */
  serverAddress: string
  /** What other servers answer. */
  aggregation?: AggregatedDiscovery | undefined
}

export class Discovery {
  private readonly parts: DiscoveryParts
  private documents = new Map<string, Document | undefined>()
  private state = ''

  constructor(parts: DiscoveryParts) {
    this.parts = parts
  }

  private groups(): GroupVersions[] { return mergedGroups(groupsOf(this.parts.table), this.parts.aggregation) }

  private groupDiscovery(include: (group: string) => boolean): object {
    const { table, connectHandlers, aggregation } = this.parts
    const own = groupDiscoveryList(table, connectHandlers, include) as { items: GroupDiscovery[] }
    return { ...own, items: mergedDiscovery(this.groups().filter(({ group }) => include(group)), own.items, aggregation) }
  }

  private make(path: string, aggregated: boolean): object | undefined {
    const { table, connectHandlers, serverAddress } = this.parts
    const [root, group, version, more] = path.split('/').slice(1)
    if (root === 'api') {
      if (group === undefined) {
        return aggregated ? this.groupDiscovery((each) => each === '')
          : { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] }
      }
      return version === undefined ? resourceList(table, '', group, connectHandlers) : undefined
    }
    const groups = this.groups().filter((each) => each.group !== '')
    if (group === undefined) {
      return aggregated ? this.groupDiscovery((each) => each !== '') : { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) }
    }
    const found = groups.find((each) => each.group === group)
    if (version === undefined) return found && { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(found) }
    return more === undefined ? resourceList(table, group, version, connectHandlers) : undefined
  }

  private document(path: string, aggregated: boolean): Document | undefined {
    const state = `${this.parts.table.generation}.${this.parts.aggregation?.state ?? ''}`
    if (this.state !== state) {
      this.documents = new Map()
      this.state = state
    }
    const key = `${aggregated ? 'aggregated' : 'plain'} ${path}`
    if (this.documents.has(key)) return this.documents.get(key)
    const object = this.make(path, aggregated)
    if (!object) return undefined
    const bytes = Buffer.from(JSON.stringify(object))
    const document = { bytes, etag: `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"` }
    this.documents.set(key, document)
    return document
  }

  /** Whether there is something to read at a path. */
  has(decodedPath: string): boolean {
    return /^\/apis?(\/|$)/.test(decodedPath) && this.document(decodedPath.replace(/\/+$/, ''), false) !== undefined
  }

  async handle(exchange: Exchange, decodedPath: string): Promise<void> {
    const path = decodedPath.replace(/\/+$/, '')
    const accept = exchange.headers['accept']
    const type = path === '/api' || path === '/apis' ? aggregatedTypeOf(accept) : undefined
    const document = this.document(path, type !== undefined)
    if (!document) throw /^\/apis\/[^/]/.test(path) && !this.parts.table.isOwnGroup(path.split('/')[2] ?? '') ? pathNotFound() : resourceNotFound()
    if (path === '/api' || path === '/apis') exchange.addHeader('vary', 'Accept')
    if (type === undefined) return respondJson(exchange, 200, document.bytes, negotiate(accept, plainShape))
    const headers = { 'content-type': `${type};${aggregatedParameters}`, etag: document.etag, 'cache-control': 'public' }
    if (exchange.headers['if-none-match'] === document.etag) exchange.respond(304, headers, new Uint8Array())
    else exchange.respond(200, headers, type === 'application/yaml' ? Buffer.from(stringify(JSON.parse(document.bytes.toString()), { version: '1.1' })) : document.bytes)
  }
}
