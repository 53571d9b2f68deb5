/** A proxy of HTTP on loopback: whatever host it is asked for, it leads to one address. */
import http from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

export interface TestProxy extends AsyncDisposable {
  url: string
  /** `CONNECT registry.example:443`, `GET http://registry.example/v2/`, in order; with who asked, if that was said. */
  readonly log: string[]
}

/** `target`: `127.0.0.1:34567` */
export const startProxy = async (target: string): Promise<TestProxy> => {
  const log: string[] = []
  const [host = '', port = ''] = target.split(':')
  const note = ({ method = '', url = '', headers }: http.IncomingMessage): void => { log.push(`${method} ${url}${headers['proxy-authorization'] ? ` as ${headers['proxy-authorization']}` : ''}`) }
  const server = http.createServer((request, response) => {
    note(request)
    const url = new URL(request.url ?? '/', 'http://x')
    const onward = http.request({ host, port, path: `${url.pathname}${url.search}`, method: request.method, headers: request.headers }, (answer) => { response.writeHead(answer.statusCode ?? 500, answer.headers); answer.pipe(response) })
    onward.on('error', (error) => response.destroy(error))
    request.pipe(onward)
  })
  server.on('connect', (request, socket, head: Buffer) => {
    note(request)
    const onward = connect(Number(port), host, () => { socket.write('HTTP/1.1 200 Connection Established\r\n\r\n'); onward.write(head); socket.pipe(onward).pipe(socket) })
    onward.on('error', () => {}).once('close', () => socket.destroy())
    socket.on('error', () => {}).once('close', () => onward.destroy())
  })
  const tunnels = new Set<Duplex>()
  server.on('connect', (_, socket) => { tunnels.add(socket); socket.once('close', () => { tunnels.delete(socket) }) })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, log,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => { server.close(() => resolve()); server.closeAllConnections(); for (const each of tunnels) each.destroy() }),
  }
}
