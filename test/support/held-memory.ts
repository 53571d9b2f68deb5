/** What a Node process holds in memory once what is garbage has been collected: by its inspector, which SIGUSR1 opens, in the process's own network namespace. */
import { execa } from 'execa'

const ask = `const [target] = await (await fetch('http://127.0.0.1:9229/json')).json()
const socket = new WebSocket(target.webSocketDebuggerUrl)
const call = (id, method, params = {}) => new Promise((resolve) => {
  socket.addEventListener('message', ({ data }) => { const answer = JSON.parse(data); if (answer.id === id) resolve(answer.result) })
  socket.send(JSON.stringify({ id, method, params }))
})
socket.addEventListener('open', async () => {
  await call(1, 'HeapProfiler.collectGarbage')
  const { result } = await call(2, 'Runtime.evaluate', { expression: 'JSON.stringify(process.memoryUsage())', returnByValue: true })
  console.log(result.value)
  socket.close()
})`

/** Of the heap and of buffers beside it, in megabytes. */
export const heldMegabytes = async (pid: number): Promise<number> => {
  process.kill(pid, 'SIGUSR1')
  const { stdout } = await execa('nsenter', ['-t', String(pid), '-n', process.execPath, '--input-type=module', '-e', ask], { timeout: 30_000 })
  const { heapUsed, external } = JSON.parse(stdout) as { heapUsed: number; external: number }
  return (heapUsed + external) / 2 ** 20
}
