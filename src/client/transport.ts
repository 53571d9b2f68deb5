/** How bytes reach the API server: one interface, several ways (HTTPS, in-memory, gRPC). */

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query, as in the request line: `/api/v1/namespaces/default/pods?watch=true`. */
  path: string
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>
  body?: Uint8Array
}

/** An event of a watch, its object still encoded as JSON. */
export interface EncodedEvent { type: string; object: Uint8Array }

export interface ApiResponse {
  status: number
  headers: Readonly<Record<string, string>>
  /** The body as it arrives; ends when the response ends. Throwing means that the line broke in the middle. Aborting the request's signal closes it. */
  body: AsyncIterable<Uint8Array>
  /** The events of a watch as they arrive, where the transport frames them itself: instead of the lines of `body`, not beside them. */
  events?: AsyncIterable<readonly EncodedEvent[]>
}

export interface Transport {
  /** Resolves when the response's head has arrived. Rejects with `ConnectionError` when the server cannot be reached. */
  request(request: ApiRequest, signal: AbortSignal): Promise<ApiResponse>
}

/** The server could not be reached, or the line broke: try again later. */
export class ConnectionError extends Error { override readonly name = 'ConnectionError' }
