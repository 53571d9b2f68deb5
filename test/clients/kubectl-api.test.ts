/** The real kubectl against the API server alone: no nodes, no controllers. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silent } from '../../src/apiserver/log.ts'
import { kubectlPath } from '../support/clients.ts'
import { type DevServer, startDevServer } from '../support/dev-server.ts'

const run = promisify(execFile)
let server: DevServer
let kubectlFile = ''
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-kubectl-'))
  kubectlFile = await kubectlPath('1.36')
  server = await startDevServer({ memory: true, log: silent })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

interface Result { stdout: string; stderr: string; code: number }

const kubectl = async (...args: string[]): Promise<Result> => {
  // A cache of its own: discovery of other servers at the same port must not be taken for ours.
  const env = { ...process.env, KUBECONFIG: server.kubeconfig, HOME: folder }
  try {
    return { ...(await run(kubectlFile, ['--cache-dir', path.join(folder, 'cache'), ...args], { env })), code: 0 }
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number }
    return { stdout, stderr, code }
  }
}

const written = async (name: string, text: string): Promise<string> => {
  const file = path.join(folder, name)
  await writeFile(file, text)
  return file
}

const web = (replicas: number): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: host}]}
`

describe('kubectl 1.36', () => {
  test('version', async () => expect((await kubectl('version')).stdout).toMatch(/^Server Version: v1\.36\.0\+wherry-/m))

  test('create, get in several forms, label, annotate, delete', async () => {
    const file = await written('cm.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello}\ndata: {a: b}\n')
    expect((await kubectl('create', '-f', file)).stdout).toBe('configmap/hello created\n')
    expect((await kubectl('get', 'cm')).stdout).toMatch(/^NAME {4}DATA {3}AGE\nhello {3}1 {6}\d+s\n$/)
    expect((await kubectl('get', 'cm', 'hello', '-o', 'jsonpath={.data.a}')).stdout).toBe('b')
    expect((await kubectl('get', 'cm', '-o', 'name')).stdout).toBe('configmap/hello\n')
    expect((await kubectl('get', 'cm', '-A', '-o', 'custom-columns=NS:.metadata.namespace,NAME:.metadata.name')).stdout).toBe('NS        NAME\ndefault   hello\n')
    expect((await kubectl('label', 'cm', 'hello', 'x=y')).stdout).toBe('configmap/hello labeled\n')
    expect((await kubectl('get', 'cm', '-l', 'x=y', '--no-headers', '-o', 'name')).stdout).toBe('configmap/hello\n')
    expect((await kubectl('get', 'cm', '-l', 'x=z')).stderr).toBe('No resources found in default namespace.\n')
    expect((await kubectl('annotate', 'cm', 'hello', 'note=1')).stdout).toBe('configmap/hello annotated\n')
    expect((await kubectl('create', '-f', file)).stderr).toContain('Error from server (AlreadyExists): error when creating')
    expect((await kubectl('delete', 'cm', 'hello')).stdout).toBe('configmap "hello" deleted from default namespace\n')
    expect(await kubectl('get', 'cm', 'hello')).toMatchObject({ code: 1, stderr: 'Error from server (NotFound): configmaps "hello" not found\n' })
  })

  test('apply from the client, apply from the server, scale, patch', async () => {
    const two = await written('web-2.yaml', web(2))
    const three = await written('web-3.yaml', web(3))
    const apply = (...args: string[]) => kubectl('apply', ...args)
    expect((await apply('-f', two)).stdout).toBe('deployment.apps/web created\n')
    expect((await apply('-f', two)).stdout).toBe('deployment.apps/web unchanged\n')
    expect((await apply('-f', three)).stdout).toBe('deployment.apps/web configured\n')
    expect((await apply('--server-side', '-f', three)).stdout).toBe('deployment.apps/web serverside-applied\n')
    const refused = await apply('--server-side', '--field-manager=other', '-f', two)
    expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas')
    expect((await apply('--server-side', '--field-manager=other', '--force-conflicts', '-f', two)).stdout).toBe('deployment.apps/web serverside-applied\n')
    expect((await kubectl('scale', 'deployment/web', '--replicas=5')).stdout).toBe('deployment.apps/web scaled\n')
    expect((await kubectl('patch', 'deployment', 'web', '-p', '{"spec":{"paused":true}}')).stdout).toBe('deployment.apps/web patched\n')
    expect((await kubectl('get', 'deploy', 'web', '-o', 'wide')).stdout).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +0\/5 +0 +0 +\d+s +c +host +app=web\n$/)
    expect((await kubectl('delete', 'deploy', 'web')).stdout).toBe('deployment.apps "web" deleted from default namespace\n')
  })

  test('typed commands, which send protobuf', async () => {
    expect((await kubectl('create', 'namespace', 'typed')).stdout).toBe('namespace/typed created\n')
    expect((await kubectl('create', 'secret', 'generic', 's', '--from-literal=a=b')).stdout).toBe('secret/s created\n')
    expect((await kubectl('get', 'secret', 's', '-o', 'jsonpath={.data.a} {.type}')).stdout).toBe('Yg== Opaque')
    expect((await kubectl('create', 'deployment', 'typed', '--image=host', '--replicas=2')).stdout).toBe('deployment.apps/typed created\n')
    expect((await kubectl('expose', 'deployment', 'typed', '--port=80')).stdout).toBe('service/typed exposed\n')
    expect((await kubectl('delete', 'deployment,service', 'typed')).stdout).toBe('deployment.apps "typed" deleted from default namespace\nservice "typed" deleted from default namespace\n')
  })

  test('mistakes are told as upstream tells them', async () => {
    const unknown = await written('unknown.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: u}\nwrong: 1\n')
    expect((await kubectl('create', '-f', unknown)).stderr).toContain('strict decoding error: unknown field "wrong"')
    const invalid = await written('invalid.yaml', web(-1))
    expect((await kubectl('create', '-f', invalid)).stderr).toBe('The Deployment "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0\n')
    expect((await kubectl('get', 'nothings')).stderr).toBe('error: the server doesn\'t have a resource type "nothings"\n')
  })

  test('dry runs, diff, replace, wait', async () => {
    const file = await written('web.yaml', web(1))
    expect((await kubectl('apply', '--dry-run=server', '-f', file)).stdout).toBe('deployment.apps/web created (server dry run)\n')
    expect((await kubectl('get', 'deploy', 'web')).code).toBe(1)
    await kubectl('apply', '-f', file)
    expect(await kubectl('diff', '-f', file)).toMatchObject({ code: 0, stdout: '' })
    const changed = await written('web.yaml', web(4))
    expect((await kubectl('diff', '-f', changed)).stdout).toMatch(/^-  replicas: 1\n\+  replicas: 4$/m)
    expect((await kubectl('replace', '-f', changed)).stdout).toBe('deployment.apps/web replaced\n')
    expect((await kubectl('wait', '--for=jsonpath={.spec.replicas}=4', 'deploy/web', '--timeout=10s')).stdout).toBe('deployment.apps/web condition met\n')
    const waiting = kubectl('wait', '--for=delete', 'deploy/web', '--timeout=20s')
    await kubectl('delete', 'deploy', 'web')
    expect((await waiting).code).toBe(0)
  })

  test('explain', async () => expect((await kubectl('explain', 'configmap.data')).stdout).toContain('FIELD: data <map[string]string>'))

  test('what the cluster has for itself', async () => {
    expect((await kubectl('get', 'ns', '-o', 'name')).stdout).toContain('namespace/default\nnamespace/kube-node-lease\nnamespace/kube-public\nnamespace/kube-system\n')
    expect((await kubectl('get', 'svc', 'kubernetes')).stdout).toMatch(/^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nkubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP +\d+s\n$/)
  })

  test('api-resources and events of both groups', async () => {
    const { stdout } = await kubectl('api-resources', '--no-headers', '-o', 'name')
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['configmaps', 'pods', 'deployments.apps', 'events.events.k8s.io', 'roles.rbac.authorization.k8s.io']))
    expect((await kubectl('get', 'events.events.k8s.io', '-A')).code).toBe(0)
  })

  test('--watch shows what happens', async () => {
    const env = { ...process.env, KUBECONFIG: server.kubeconfig, HOME: folder }
    const watching = execFile(kubectlFile, ['get', 'cm', '--watch', '-o', 'name'], { env })
    const seen = new Promise<string>((resolve) => {
      let text = ''
      watching.stdout?.on('data', (chunk: string) => {
        text += chunk
        if (text.split('\n').length > 2) resolve(text)
      })
    })
    const file = await written('seen.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\n')
    await kubectl('create', '-f', file)
    await kubectl('label', 'cm', 'seen', 'x=y')
    expect(await seen).toBe('configmap/seen\nconfigmap/seen\n')
    watching.kill()
  })
})
