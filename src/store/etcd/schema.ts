import type { fromJSON } from '@grpc/proto-loader'

type Namespace = Parameters<typeof fromJSON>[0]
type Message = { fields: Record<string, { type: string; id: number; rule?: string }>; oneofs?: Record<string, { oneof: string[] }> }

/** A field as [name, type, number] of etcd's api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto; `...` before a type means repeated. */
type Field = readonly [name: string, type: string, number: number]

const field = ([name, type, id]: Field): [string, { type: string; id: number; rule?: string }] =>
  [name, type.startsWith('...') ? { type: type.slice(3), id, rule: 'repeated' } : { type, id }]

const message = (...fields: Field[]): Message => ({ fields: Object.fromEntries(fields.map(field)) })

/** A message some of whose fields exclude one another. */
const messageOf = (oneof: string, choices: Field[], ...fields: Field[]): Message =>
  ({ oneofs: { [oneof]: { oneof: choices.map(([name]) => name) } }, ...message(...choices, ...fields) })

const header: Field = ['header', 'ResponseHeader', 1]

const keyValueMessages = {
  KeyValue: message(['key', 'bytes', 1], ['create_revision', 'int64', 2], ['mod_revision', 'int64', 3], ['version', 'int64', 4], ['value', 'bytes', 5], ['lease', 'int64', 6]),
  Event: { ...message(['type', 'EventType', 1], ['kv', 'KeyValue', 2], ['prev_kv', 'KeyValue', 3]), nested: { EventType: { values: { PUT: 0, DELETE: 1 } } } },
}

const messages = {
  ResponseHeader: message(['cluster_id', 'uint64', 1], ['member_id', 'uint64', 2], ['revision', 'int64', 3], ['raft_term', 'uint64', 4]),

  RangeRequest: message(['key', 'bytes', 1], ['range_end', 'bytes', 2], ['limit', 'int64', 3], ['revision', 'int64', 4], ['count_only', 'bool', 9]),
  RangeResponse: message(header, ['kvs', '...mvccpb.KeyValue', 2], ['more', 'bool', 3], ['count', 'int64', 4]),
  PutRequest: message(['key', 'bytes', 1], ['value', 'bytes', 2], ['lease', 'int64', 3], ['prev_kv', 'bool', 4]),
  PutResponse: message(header, ['prev_kv', 'mvccpb.KeyValue', 2]),
  DeleteRangeRequest: message(['key', 'bytes', 1], ['range_end', 'bytes', 2], ['prev_kv', 'bool', 3]),
  DeleteRangeResponse: message(header, ['deleted', 'int64', 2], ['prev_kvs', '...mvccpb.KeyValue', 3]),

  RequestOp: messageOf('request', [['request_range', 'RangeRequest', 1], ['request_put', 'PutRequest', 2], ['request_delete_range', 'DeleteRangeRequest', 3]]),
  ResponseOp: messageOf('response', [['response_range', 'RangeResponse', 1], ['response_put', 'PutResponse', 2], ['response_delete_range', 'DeleteRangeResponse', 3]]),
  Compare: {
    ...messageOf('target_union', [['version', 'int64', 4], ['create_revision', 'int64', 5], ['mod_revision', 'int64', 6], ['value', 'bytes', 7]],
      ['result', 'CompareResult', 1], ['target', 'CompareTarget', 2], ['key', 'bytes', 3]),
    nested: { CompareResult: { values: { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } }, CompareTarget: { values: { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } } },
  },
  TxnRequest: message(['compare', '...Compare', 1], ['success', '...RequestOp', 2], ['failure', '...RequestOp', 3]),
  TxnResponse: message(header, ['succeeded', 'bool', 2], ['responses', '...ResponseOp', 3]),
  CompactionRequest: message(['revision', 'int64', 1], ['physical', 'bool', 2]),
  CompactionResponse: message(header),

  WatchRequest: messageOf('request_union', [['create_request', 'WatchCreateRequest', 1], ['cancel_request', 'WatchCancelRequest', 2], ['progress_request', 'WatchProgressRequest', 3]]),
  WatchCreateRequest: message(['key', 'bytes', 1], ['range_end', 'bytes', 2], ['start_revision', 'int64', 3], ['progress_notify', 'bool', 4], ['prev_kv', 'bool', 6], ['watch_id', 'int64', 7], ['fragment', 'bool', 8]),
  WatchCancelRequest: message(['watch_id', 'int64', 1]),
  WatchProgressRequest: message(),
  WatchResponse: message(header, ['watch_id', 'int64', 2], ['created', 'bool', 3], ['canceled', 'bool', 4], ['compact_revision', 'int64', 5], ['cancel_reason', 'string', 6], ['fragment', 'bool', 7], ['events', '...mvccpb.Event', 11]),

  LeaseGrantRequest: message(['TTL', 'int64', 1], ['ID', 'int64', 2]),
  LeaseGrantResponse: message(header, ['ID', 'int64', 2], ['TTL', 'int64', 3], ['error', 'string', 4]),
  LeaseRevokeRequest: message(['ID', 'int64', 1]),
  LeaseRevokeResponse: message(header),
  LeaseKeepAliveRequest: message(['ID', 'int64', 1]),
  LeaseKeepAliveResponse: message(header, ['ID', 'int64', 2], ['TTL', 'int64', 3]),

  StatusRequest: message(),
  StatusResponse: message(header, ['version', 'string', 2], ['dbSize', 'int64', 3], ['leader', 'uint64', 4]),
  SnapshotRequest: message(),
  SnapshotResponse: message(header, ['remaining_bytes', 'uint64', 2], ['blob', 'bytes', 3]),
}

type Call = { requestType: string; responseType: string; requestStream?: boolean; responseStream?: boolean }

const call = (name: string, streams: Partial<Call> = {}): Call => ({ requestType: `${name}Request`, responseType: `${name}Response`, ...streams })

const services: Record<string, { methods: Record<string, Call> }> = {
  KV: { methods: { Range: call('Range'), Txn: call('Txn'), Compact: call('Compaction') } },
  Watch: { methods: { Watch: call('Watch', { requestStream: true, responseStream: true }) } },
  Lease: { methods: { LeaseGrant: call('LeaseGrant'), LeaseRevoke: call('LeaseRevoke'), LeaseKeepAlive: call('LeaseKeepAlive', { requestStream: true, responseStream: true }) } },
  Maintenance: { methods: { Status: call('Status'), Snapshot: call('Snapshot', { responseStream: true }) } },
}

/** As much of etcd's v3 API as a store needs, in the form that protobufjs reads: no .proto file has to travel with the bundle. */
export const etcdSchema: Namespace = {
  nested: { mvccpb: { nested: keyValueMessages }, etcdserverpb: { nested: { ...messages, ...services } } },
}
