import { request } from 'node:https'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import { createClient } from '../../src/client/client.ts'
import { newSelfSignedCertificate, validFor } from '../../src/client/pki.ts'
import { scheduler } from '../../src/scheduler/scheduler.ts'
import { handleScheduler, schedulerServer } from '../../src/scheduler/server.ts'
import { aNode, aPod } from '../support/builders.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const open = async () => {
  const api = fakeApi()
  const clock = fakeClock()
  const stop = new AbortController()
  api.put(Nodes, aNode('a').build())
  api.put(Pods, aPod('web').build())
  const component = scheduler({ client: createClient(api), clock, random: fakeRandom(), log: logs() })
  const before = await handleScheduler(component, '/readyz')
  void component.run(stop.signal)
  await clock.advance(0)
  return { component, before, stop, get: (path: string) => handleScheduler(component, path) }
}

describe('what the scheduler tells', () => {
  test('health', async () => {
    const { before, get, stop } = await open()
    expect(before.status).toBe(500)
    for (const path of ['/healthz', '/livez', '/readyz']) expect(await get(path)).toMatchObject({ status: 200, body: 'ok' })
    stop.abort()
  })
  test('decisions: a list, and all about one pod', async () => {
    const { get, stop } = await open()
    expect(JSON.parse((await get('/wherry/decisions')).body)).toMatchObject({ decisions: [{ namespace: 'default', name: 'web', result: 'Scheduled', node: 'a' }] })
    expect(JSON.parse((await get('/wherry/decisions?pod=default/web')).body)).toMatchObject({ decisions: [{ node: 'a', nodes: [{ name: 'a', fits: true }] }] })
    expect(JSON.parse((await get('/wherry/decisions?pod=default/other')).body)).toEqual({ decisions: [] })
    expect(await get('/wherry/decisions?pod=web')).toMatchObject({ status: 400, body: 'pod=web must be namespace/name\n' })
    stop.abort()
  })
  test("metrics under upstream's names", async () => {
    const { get, stop } = await open()
    const { body } = await get('/metrics')
    expect(body).toContain('scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1')
    expect(body).toContain('scheduler_pending_pods{queue="active"} 0')
    stop.abort()
  })
  test('nothing else', async () => expect(await (await open()).get('/x')).toMatchObject({ status: 404 }))
})

describe('over TLS', () => {
  const freePort = async (): Promise<number> => {
    const probe = createServer()
    await new Promise<void>((resolve) => { probe.listen(0, '127.0.0.1', resolve) })
    const { port } = probe.address() as AddressInfo
    await new Promise((resolve) => { probe.close(resolve) })
    return port
  }
  const ask = (port: number, path: string, method = 'GET') => new Promise<string>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, method, rejectUnauthorized: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => { body += chunk })
      response.on('end', () => resolve(`${response.statusCode} ${body}`))
    }).on('error', reject).end()
  })
  test('answers this machine, refuses to change anything, ends with its signal', async () => {
    const { component } = await open()
    const port = await freePort()
    const log = logs()
    const stop = new AbortController()
    const tls = await newSelfSignedCertificate({ commonName: 'scheduler', ipAddresses: ['127.0.0.1'] }, validFor(1, new Date()))
    const done = schedulerServer(component, { port, tls, log }).run(stop.signal)
    await expect.poll(() => log.lines.length).toBe(1)
    expect(await ask(port, '/readyz')).toBe('200 ok')
    expect(await ask(port, '/wherry/decisions')).toContain('"name":"web"')
    expect(await ask(port, '/healthz', 'POST')).toBe('405 only GET is supported\n')
    await expect(schedulerServer(component, { port, tls, log }).run(stop.signal)).rejects.toThrow('EADDRINUSE')
    stop.abort()
    await done
  })
})
