/** etcd's messages as proto-loader gives them with `longs: String, defaults: true, keepCase: true, oneofs: true`. */

export interface Header { revision: string }
export interface WireKeyValue { key: Buffer; create_revision: string; mod_revision: string; version: string; value: Buffer; lease: string }
export interface RangeResponse { header: Header; kvs: WireKeyValue[]; more: boolean; count: string }
export interface TxnResponse { header: Header; succeeded: boolean; responses: ResponseOp[] }
export interface ResponseOp {
  response_range?: RangeResponse
  response_put?: { prev_kv: WireKeyValue | null }
  response_delete_range?: { deleted: string; prev_kvs: WireKeyValue[] }
}
export interface WireEvent { type: 'PUT' | 'DELETE'; kv: WireKeyValue; prev_kv: WireKeyValue | null }
export interface WatchResponse {
  header: Header
  watch_id: string
  created: boolean
  canceled: boolean
  compact_revision: string
  cancel_reason: string
  fragment: boolean
  events: WireEvent[]
}
export interface LeaseResponse { header: Header; ID: string; TTL: string }
export interface StatusResponse { version: string; dbSize: string }
export interface SnapshotResponse { remaining_bytes: string; blob: Buffer }
