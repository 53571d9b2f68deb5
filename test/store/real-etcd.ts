/** A real etcd v3 server on a free port of the loopback interface, with a data directory that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from '../../src/api/clock.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'

const program = process.env['WHERRY_ETCD'] ?? '/usr/bin/etcd'

/** Why there is no etcd to test with; undefined if there is. */
export const noEtcd = existsSync(program) ? undefined : `${program} is not there (apt-get install etcd-server, or set WHERRY_ETCD)`

export interface RealEtcd extends AsyncDisposable {
  endpoint: string
  /** Kills it, and starts it again on the same data. */
  restart(): Promise<void>
}

export interface ServerTls { ca: string; cert: string; key: string }

/** With `tls` (files), clients need a certificate of that CA. */
export const startEtcd = async (tls?: ServerTls): Promise<RealEtcd> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-etcd-'))
  const [client, peer] = [await freePort(), await freePort()]
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${client}`
  const peerUrl = `http://127.0.0.1:${peer}`
  const secure = tls ? ['--client-cert-auth', '--trusted-ca-file', tls.ca, '--cert-file', tls.cert, '--key-file', tls.key] : []
  const args = ['--data-dir', directory, '--name', 'test', '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint, '--listen-peer-urls', peerUrl,
    '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `test=${peerUrl}`, '--log-level', 'error', '--logger', 'zap', ...secure]
  let child = run(args)
  const kill = async (): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  if (!tls) await answering(endpoint)
  return {
    endpoint,
    async restart() {
      await kill()
      child = run(args)
    },
    async [Symbol.asyncDispose]() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const run = (args: readonly string[]): ChildProcess => spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })

const answering = async (endpoint: string): Promise<void> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await (await openEtcdStore({ endpoints: [endpoint], clock: systemClock }))[Symbol.asyncDispose]()
      return
    } catch (error) {
      if (attempt >= 10) throw error
    }
  }
}

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => { server.once('listening', resolve) })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}
