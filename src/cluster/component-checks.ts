/** How the API server asks the other parts of the control plane whether they are well: `kubectl get componentstatuses`. */
import { request } from 'node:https'
import type { ComponentCheck } from '../apiserver/component-statuses.ts'
import type { Store } from '../store/store.ts'

const timeoutMs = 10_000

/** GET https://127.0.0.1:port/healthz. The certificate is of the component's own making and proves nothing, as upstream's. */
const healthz = (name: string, port: number): ComponentCheck => {
  const address = `127.0.0.1:${port}`
  return { name, ask: (signal) => new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false, signal, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(text))
      })
      response.on('error', reject)
    })
    asked.on('timeout', () => asked.destroy(new Error(`Get "https://${address}/healthz": context deadline exceeded`)))
    asked.on('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ECONNREFUSED' ? new Error(`Get "https://${address}/healthz": dial tcp ${address}: connect: connection refused`) : error))
    asked.end()
  }) }
}

/** Runs in this very process, which ends when one of its parts does. */
const here = (name: string): ComponentCheck => ({ name, ask: () => Promise.resolve('ok') })

/** In the order in which kubectl has always shown them; the ports are upstream's. */
export const componentChecks = (store: Store, { oneProcess }: { oneProcess: boolean }): readonly ComponentCheck[] => [
  oneProcess ? here('controller-manager') : healthz('controller-manager', 10_257),
  oneProcess ? here('scheduler') : healthz('scheduler', 10_259),
  { name: 'etcd-0', ask: async () => { await store.revision(); return 'ok' } },
]
