/** A connection to a port inside a pod's network namespace. */
import { spawn } from 'node:child_process'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Sandbox } from './sandbox/sandbox.ts'

// Runs in the pod's namespace: connects, hands the open socket to the kubelet, and ends.
const connector = `
const net = require('node:net')
const socket = net.connect({ host: '127.0.0.1', port: Number(process.argv[1]), allowHalfOpen: true })
socket.on('error', (error) => { process.send({ code: error.code, message: error.message }, () => process.exit(1)) })
socket.on('connect', () => { process.send({ connected: true }, socket, { keepOpen: false }, () => process.disconnect()) })
`

/** 127.0.0.1 first, as upstream's port forwarding does; on the node's own network without detour. Rejects with what connect(2) says. */
export const dial = async ({ record, state }: Sandbox, port: number): Promise<Duplex> => {
  if (!state.ready || !record.holder) throw new Error(`the sandbox of pod ${record.podNamespace}/${record.podName} is not running`)
  if (record.hostNetwork) return connect('127.0.0.1', port)
  // Most servers listen on all addresses, and are reached without a process of ours.
  if (record.podIP !== undefined) {
    try {
      return await connect(record.podIP, port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error
    }
  }
  return connectInside(record.holder.pid, port)
}

const connect = (host: string, port: number): Promise<net.Socket> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true }, () => { resolve(socket) })
    socket.once('error', reject)
  })

const connectInside = (pid: number, port: number): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, process.execPath, '--eval', connector, String(port)], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    child.on('error', reject)
    child.on('message', (message: { connected?: true; code?: string; message?: string }, socket) => {
      if (message.connected && socket) resolve(socket as net.Socket)
      else reject(Object.assign(new Error(message.message ?? 'the connection was lost on its way'), { code: message.code }))
    })
    child.on('exit', (code) => { reject(new Error(`cannot connect to port ${port} inside the pod: the connecting process ended with ${code ?? 'a signal'}`)) })
  })
