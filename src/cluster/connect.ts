/** The administrator's line to the cluster of this machine. */
import { existsSync } from 'node:fs'
import { systemClock } from '../api/clock.ts'
import { createClient, type Client } from '../client/client.ts'
import { httpsTransport } from '../client/https-transport.ts'
import { accessOf, loadKubeconfig } from '../client/kubeconfig.ts'
import { ConnectionError } from '../client/transport.ts'
import type { Home } from './home.ts'
import { UserError } from './user-error.ts'

export interface Connection {
  client: Client
  close(): void
}

/** By the kubeconfig `file`; nothing is sent yet. */
export const connectBy = (file: string): Connection => {
  const transport = httpsTransport(accessOf(loadKubeconfig([file])), systemClock)
  return { client: createClient(transport), close: () => transport.close() }
}

export const connectAdmin = (home: Home): Connection => {
  if (!existsSync(home.kubeconfig)) throw new UserError(`there is no cluster in ${home.data}; start one with: wherry up`)
  return connectBy(home.kubeconfig)
}

/** Whether `/readyz` says ok now. */
export const isReady = async (client: Client, signal: AbortSignal): Promise<boolean> => {
  try {
    const response = await client.raw({ method: 'GET', path: '/readyz', headers: {} }, signal)
    for await (const _ of response.body) { /* read to its end, so that the stream is free again */ }
    return response.status === 200
  } catch (error) {
    if (error instanceof ConnectionError) return false
    throw error
  }
}

/** Resolves when `/readyz` says ok; a UserError names what to look at when it does not within the time. */
export const waitReady = async (client: Client, { home, milliseconds }: { home: Home; milliseconds: number }, signal: AbortSignal): Promise<void> => {
  const deadline = systemClock.monotonic() + milliseconds
  while (!(await isReady(client, signal))) {
    if (systemClock.monotonic() > deadline) throw new UserError(`the API server did not answer within ${Math.round(milliseconds / 1000)} s; look into ${home.logs}`)
    await systemClock.sleep(25, signal)
  }
}
