/**
 * The line of our own components to the API server: resources over the gRPC service where the server offers it, all else, and everything with any other server, over HTTPS.
 * One HTTP/2 connection carries both; nothing is asked to find out, see `serviceSetting`.
 */
import type { Clock } from '../api/clock.ts'
import { callExchange } from './call-exchange.ts'
import { type HttpsTransport, httpsTransport } from './https-transport.ts'
import type { ServerAccess } from './server-access.ts'

export const grpcTransport = (access: ServerAccess, clock: Clock): HttpsTransport => httpsTransport(access, clock, callExchange)
