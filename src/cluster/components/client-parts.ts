/** What every component that is only a client is made of. */
import { systemClock, type Clock } from '../../api/clock.ts'
import { systemRandom, type Random } from '../../api/random.ts'
import { createClient, type Client } from '../../client/client.ts'
import type { Log } from '../../client/component.ts'
import { eventSink, type Events } from '../../client/events.ts'
import { grpcTransport } from '../../client/grpc-transport.ts'
import { sharedInformers, type Informers } from '../../client/informers.ts'
import { accessOf, loadKubeconfig } from '../../client/kubeconfig.ts'
import type { ServerAccess } from '../../client/server-access.ts'
import { processLog } from '../log.ts'

/** Events of one moment are written together, so long after the first: a burst of pods is to run before it is told of. */
export const eventPauseMilliseconds = 500

export interface ClientParts {
  client: Client
  clock: Clock
  random: Random
  log: Log
  informers: Informers
  events: Events
}

export const accessByFile = (kubeconfig: string): ServerAccess => accessOf(loadKubeconfig([kubeconfig]))

const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/** By the pod's service account, at the API server's own address. */
export const podAccess = (server: string): ServerAccess =>
  ({ server, token: { file: `${serviceAccountDirectory}/token` }, certificateAuthority: { file: `${serviceAccountDirectory}/ca.crt` } })

/** Informers and events run until the signal aborts. */
export const partsWith = (client: Client, log: Log, signal: AbortSignal): ClientParts => ({
  client, clock: systemClock, random: systemRandom, log,
  informers: sharedInformers({ client, clock: systemClock, random: systemRandom, log }, signal),
  events: eventSink({ client, clock: systemClock, random: systemRandom, log }, signal),
})

export const clientParts = (component: string, access: ServerAccess, signal: AbortSignal): ClientParts => {
  const transport = grpcTransport(access, systemClock)
  signal.addEventListener('abort', () => transport.close(), { once: true })
  return partsWith(createClient(transport, { userAgent: `wherry-${component}` }), processLog(component), signal)
}
