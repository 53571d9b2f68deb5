/** A real etcd v3 server on a free port of the loopback interface, with a data directory that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process'
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

export interface RealEtcd extends AsyncDisposable { endpoint: string; process: ChildProcess }

export const startEtcd = async (extra: readonly string[] = []): Promise<RealEtcd> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-etcd-'))
  const [client, peer] = [await freePort(), await freePort()]
  const scheme = extra.includes('--cert-file') ? 'https' : 'http'
  const endpoint = `${scheme}://127.0.0.1:${client}`
  const child = spawn(program, ['--data-dir', directory, '--name', 'test', '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint,
    '--listen-peer-urls', `http://127.0.0.1:${peer}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`, '--initial-cluster', `test=http://127.0.0.1:${peer}`,
    '--log-level', 'error', '--logger', 'zap', ...extra], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<void>((resolve) => { child.once('exit', () => resolve()) })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    await rm(directory, { recursive: true, force: true })
  }
  if (scheme === 'http') await answering(endpoint)
  return { endpoint, process: child, [Symbol.asyncDispose]: stop }
}

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

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => { server.once('listening', resolve) })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}
