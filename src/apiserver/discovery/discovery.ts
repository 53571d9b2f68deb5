/** /api, /apis and what lies below, in both forms. Documents are kept until the resource table changes. */
import { createHash } from 'node:crypto'
import { resourceNotFound } from '../../api/status.ts'
import type { AggregatedDiscovery } from '../aggregation/aggregated-discovery.ts'
import type { Exchange } from '../exchange.ts'
import { notAcceptableTypes } from '../negotiation/accept.ts'
import { negotiate, plainShape } from '../negotiation/accept.ts'
import { respondJson } from '../negotiation/respond.ts'
import type { ResourceTable } from '../resource-table.ts'
import type { ConnectHandler } from '../streaming/connect-handler.ts'
import { apiGroup, groupDiscoveryList, groupsOf, type GroupVersions, resourceList } from './api-resources.ts'
import { type GroupDiscovery, mergedDiscovery, mergedGroups } from './merged.ts'

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Whether the first clause that we can serve asks for the aggregated form. Throws 406 when only other forms are accepted. */
export const wantsAggregated = (accept: string | undefined): boolean => {
  for (const clause of (accept ?? '').split(',')) {
    const parts = clause.split(';').map((part) => part.trim().toLowerCase())
    const type = parts[0] ?? ''
    if (type === '' && (accept ?? '').trim() === '') return false
    if (!['application/json', 'application/yaml', 'application/*', '*/*'].includes(type)) continue
    if (!parts.some((part) => part.startsWith('as='))) return false
    if (parts.includes('as=apigroupdiscoverylist') && parts.includes('g=apidiscovery.k8s.io') && parts.includes('v=v2')) return true
  }
  throw notAcceptableTypes(['application/json', 'application/yaml', aggregatedType])
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
    const aggregated = (path === '/api' || path === '/apis') && wantsAggregated(accept)
    const document = this.document(path, aggregated)
    if (!document) throw resourceNotFound()
    if (!aggregated) return respondJson(exchange, 200, document.bytes, negotiate(accept, plainShape))
    const headers = { 'content-type': aggregatedType, etag: document.etag, vary: 'Accept', 'cache-control': 'public' }
    if (exchange.headers['if-none-match'] === document.etag) exchange.respond(304, headers, new Uint8Array())
    else exchange.respond(200, headers, document.bytes)
  }
}
