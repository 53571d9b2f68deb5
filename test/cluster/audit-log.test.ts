/** The --audit-… flags: what they refuse, and what an API server that has them writes down. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { auditFlags, auditFrom } from '../../src/cluster/components/audit-log.ts'
import { parseFlags } from '../../src/cluster/flags.ts'
import { configMap, configMaps, startTestServer } from '../apiserver/support.ts'
import { logs } from '../support/logs.ts'

let directory: string
let policyFile: string
let log: ReturnType<typeof logs>
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'wherry-audit-flags-'))
  policyFile = path.join(directory, 'policy.yaml')
  log = logs()
  await writeFile(policyFile, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const audited = (...args: string[]): ReturnType<typeof auditFrom> => auditFrom(parseFlags('apiserver', auditFlags, args), { clock: systemClock, log })

test('by default nothing is told', async () => expect(await audited()).toBeUndefined())

describe('half of it tells nothing, and says so', () => {
  test('no policy', async () => expect(await audited(`--audit-log-path=${path.join(directory, 'audit.log')}`)).toBeUndefined())
  test('no log', async () => expect(await audited(`--audit-policy-file=${policyFile}`)).toBeUndefined())
  afterEach(() => expect(log.lines.join()).toMatch(/no events will be recorded; give --audit-/))
})

describe('refused', () => {
  for (const [what, args, message] of [
    ['a policy that is not there', ['--audit-policy-file=/none.yaml'], /--audit-policy-file: ENOENT/],
    ['a number that is none', ['--audit-log-maxsize=big'], /--audit-log-maxsize must be a number, not "big"/],
  ] as const) test(what, () => expect(audited(...args)).rejects.toThrow(message))

  test('a policy with a mistake: file and line', async () => {
    await writeFile(policyFile, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: All\n')
    await expect(audited(`--audit-policy-file=${policyFile}`)).rejects.toThrow(`--audit-policy-file: ${policyFile}:4: rules[0].level: Unsupported value: "All"`)
  })

  test('a log that cannot be written', () => expect(audited(`--audit-policy-file=${policyFile}`, `--audit-log-path=${directory}`)).rejects.toThrow(/--audit-log-path: EISDIR/))
})

test('what a server has served stands in the file when it has ended', async () => {
  const file = path.join(directory, 'audit.log')
  const audit = await audited(`--audit-policy-file=${policyFile}`, `--audit-log-path=${file}`)
  const api = await startTestServer({ audit })
  await api.ask('POST', configMaps, { body: configMap('a', { data: { planted: 'secret' } }) })
  const stop = new AbortController()
  const watching = api.watch(`${configMaps}?watch=true`, stop.signal)
  await watching.next()
  await api[Symbol.asyncDispose]()
  stop.abort()
  await audit?.sink.close()
  const text = await readFile(file, 'utf8')
  const events = text.trimEnd().split('\n').map((line) => JSON.parse(line) as { stage: string; verb: string; level: string })
  for (const [verb, stages] of [['create', ['RequestReceived', 'ResponseComplete']], ['watch', ['RequestReceived', 'ResponseStarted', 'ResponseComplete']]] as const) expect(events.filter((event) => event.verb === verb).map(({ stage }) => stage)).toEqual(stages)
  expect(text).not.toContain('planted')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

describe('backends by their flags', () => {
  const kubeconfig = async (server: string): Promise<string> => {
    const file = path.join(directory, 'hook.yaml')
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [{ name: 'c', cluster: { server } }], users: [{ name: 'u', user: { token: 'secret' } }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' }))
    return file
  }
  for (const [what, args, message] of [
    ['a mode', ['--audit-log-mode=later'], /--audit-log-mode: invalid audit log mode later, allowed modes are "batch,blocking,blocking-strict"/],
    ['no buffer', ['--audit-webhook-batch-buffer-size=0'], /--audit-webhook-batch-buffer-size: 0: must be a positive number/],
    ['a duration', ['--audit-webhook-batch-max-wait=soon'], /--audit-webhook-batch-max-wait: must be a duration like 30s, not "soon"/],
    ['limits that contradict each other', ['--audit-log-truncate-enabled=true', '--audit-log-truncate-max-batch-size=10'], /max event size \(102400\), must be less than or equal to max batch size \(10\)/],
    ['a webhook without kubeconfig', ['--audit-webhook-config-file=/none'], /--audit-webhook-config-file: no kubeconfig at \/none/],
    ['another format', ['--audit-log-format=legacy'], /--audit-log-format: "legacy" is not supported/],
  ] as const) test(`refused: ${what}`, () => expect(audited(`--audit-policy-file=${policyFile}`, ...args)).rejects.toThrow(message))

  test('a log and a webhook: both are told of the same', async () => {
    const { createServer } = await import('node:http')
    const got: { authorization: string | undefined; body: string }[] = []
    const hook = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => { body += chunk.toString() }).on('end', () => { got.push({ authorization: request.headers.authorization, body }); response.end('thanks') })
    })
    const port = await new Promise<number>((resolve) => { hook.listen(0, '127.0.0.1', () => resolve((hook.address() as { port: number }).port)) })
    const file = path.join(directory, 'audit.log')
    const options = await audited(`--audit-policy-file=${policyFile}`, `--audit-log-path=${file}`, `--audit-webhook-config-file=${await kubeconfig(`http://127.0.0.1:${port}/audit`)}`, '--audit-webhook-batch-max-wait=60s')
    if (!options) throw new Error('nothing is audited')
    const api = await startTestServer({ audit: options })
    await api.ask('POST', configMaps, { body: configMap('a') })
    await api[Symbol.asyncDispose]()
    await options.sink.close()
    hook.close()
    const logged = (await readFile(file, 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { auditID: string }).auditID)
    expect(got.map(({ authorization }) => authorization)).toEqual(['Bearer secret'])
    expect((JSON.parse(got[0]?.body ?? '') as { items: { auditID: string }[] }).items.map(({ auditID }) => auditID)).toEqual(logged)
    expect(logged).toHaveLength(2)
  })
})
