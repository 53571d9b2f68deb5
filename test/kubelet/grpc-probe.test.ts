/** Health checks against a gRPC server of this process. Cases and words after pkg/probe/grpc/grpc_test.go. */
import net from 'node:net'
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grpcHealth } from '../../agents/kubelet/prober/grpc-probe.ts'

const server = new Server()
let port = 0
let closed = 0

beforeAll(async () => {
  const bytes = (value: Buffer): Buffer => value
  server.addService({ check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes } }, {
    check: ({ request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      const service = request.subarray(2).toString()
      if (service === 'hangs') return
      if (service === 'broken') answer({ code: status.INTERNAL, details: 'out of order' })
      else if (service === 'none') answer({ code: status.UNIMPLEMENTED, details: 'unknown service' })
      else answer(null, Buffer.from(service === 'ill' ? [8, 2] : [8, 1]))
    },
  })
  port = await new Promise<number>((resolve, reject) => { server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))) })
  const other = net.createServer()
  await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve) })
  closed = (other.address() as net.AddressInfo).port
  await new Promise<void>((resolve) => { other.close(() => resolve()) })
})
afterAll(() => { server.forceShutdown() })

const ask = (service: string, { to = port, milliseconds = 20_000 }: { to?: number; milliseconds?: number } = {}) => grpcHealth({ address: `127.0.0.1:${to}`, service, timeoutSeconds: 1 }, AbortSignal.timeout(milliseconds))

test.each<[string, string, string, string]>([
  ['the server as a whole', '', 'success', 'service healthy'], ['a service', 'web', 'success', 'service healthy'], ['one that does not serve', 'ill', 'failure', 'service unhealthy (responded with "NOT_SERVING")'],
  ['a server without health checks', 'none', 'failure', 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service'],
  ['a failing server', 'broken', 'failure', 'error: health rpc failed: rpc error: code = Internal desc = out of order'],
])('%s', async (_, service, result, output) => {
  expect(await ask(service)).toEqual({ result, output })
})
test('a server that does not answer in time', async () => {
  expect(await ask('hangs', { milliseconds: 1000 })).toEqual({ result: 'failure', output: 'timeout: health rpc did not complete within 1s' })
})
test('nobody listens: it is tried until the time is over', async () => {
  expect(await ask('', { to: closed, milliseconds: 300 })).toEqual({ result: 'failure', output: `timeout: failed to connect service "127.0.0.1:${closed}" within 1s: context deadline exceeded` })
})
test('somebody begins to listen in time', async () => {
  const asked = ask('', { to: closed })
  const late = new Server()
  late.addService({ check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, requestSerialize: (value: Buffer) => value, requestDeserialize: (value: Buffer) => value, responseSerialize: (value: Buffer) => value, responseDeserialize: (value: Buffer) => value } }, { check: (_: unknown, answer: sendUnaryData<Buffer>) => answer(null, Buffer.from([8, 1])) })
  await new Promise<void>((resolve, reject) => { late.bindAsync(`127.0.0.1:${closed}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())) })
  expect(await asked).toEqual({ result: 'success', output: 'service healthy' })
  late.forceShutdown()
})
