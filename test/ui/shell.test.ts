/** `s`: the terminal is a shell's in a container, over a WebSocket, and afterwards the dashboard's again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { spawn } from '@lydell/node-pty'
import { expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { buildDashboard, kubeconfig } from './built.ts'
import { scene } from './scene.ts'

test('keys go to the shell, its output to the screen, its size is told; then the dashboard answers again', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-ui-'))
  const cluster = scene()
  const server = createServer((request, response) => {
    const stop = new AbortController()
    response.on('close', () => stop.abort())
    void (async () => {
      const answer = await cluster.request({ method: 'GET', path: request.url ?? '/', headers: {} }, stop.signal)
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.flushHeaders()
      for await (const chunk of answer.body) response.write(chunk)
      response.end()
    })()
  })
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'v5.channel.k8s.io' })
  const heard: string[] = []
  let asked = ''
  sockets.on('connection', (socket, request) => {
    asked = request.url ?? ''
    socket.send(Buffer.concat([Buffer.of(1), Buffer.from('in-the-shell$ ')]))
    socket.on('message', (data: Buffer) => {
      heard.push(`${data[0]}:${data.subarray(1).toString()}`)
      if (data[0] !== 0 || !data.includes('\r')) return
      socket.send(Buffer.concat([Buffer.of(3), Buffer.from('{"status":"Success"}')]), () => socket.close())
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  try {
    await buildDashboard(folder)
    const config = path.join(folder, 'kubeconfig')
    await writeFile(config, kubeconfig((server.address() as AddressInfo).port))
    const terminal = spawn(process.execPath, [path.join(folder, 'ui.js')], { cols: 80, rows: 24, cwd: folder, env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', HOME: folder, KUBE: config } })
    let output = ''
    /** Each step waits for words that come after those of the step before. */
    const steps: (readonly [words: string, type: string])[] = [['api-5c8d-q9zml', 's'], ['in-the-shell$', 'exit\r'], ['pods(all)', 'd'], ['describe pod/', '\u0003']]
    let from = 0
    terminal.onData((data) => {
      output += data
      const [next] = steps
      const found = next ? output.indexOf(next[0], from) : -1
      if (!next || found < 0) return
      from = output.length
      steps.shift()
      terminal.write(next[1])
    })
    const { exitCode } = await new Promise<{ exitCode: number }>((resolve) => { terminal.onExit(resolve) })
    expect([exitCode, steps], output).toEqual([0, []])
    expect(asked).toBe('/api/v1/namespaces/default/pods/api-5c8d-q9zml/exec?container=main&stdin=true&stdout=true&tty=true&command=sh&command=-c&command=command+-v+bash+%3E%2Fdev%2Fnull+%26%26+exec+bash+%7C%7C+exec+sh')
    expect(heard[0]).toBe('4:{"Width":80,"Height":24}')
    expect(heard.slice(1).map((each) => each.slice(2)).join('')).toBe('exit\r')
  } finally {
    sockets.close()
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
})
