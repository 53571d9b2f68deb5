/** The real kubectl with custom resources, against the API server alone: definition, waiting, explaining, columns, validation, apply, deletion. */
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
  folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-kubectl-crd-'))
  kubectlFile = await kubectlPath('1.36')
  server = await startDevServer({ memory: true, log: silent })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const kubectl = async (...args: string[]): Promise<{ out: string; code: number }> => {
  const env = { ...process.env, KUBECONFIG: server.kubeconfig, HOME: folder }
  try {
    const { stdout, stderr } = await run(kubectlFile, ['--cache-dir', path.join(folder, 'cache'), ...args], { env, timeout: 30_000 })
    return { out: stdout + stderr, code: 0 }
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number }
    return { out: stdout + stderr, code }
  }
}

const written = async (name: string, text: string): Promise<string> => {
  const file = path.join(folder, name)
  await writeFile(file, text)
  return file
}

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [tabs]}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        description: A CronTab runs an image now and then.
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            description: What is wanted.
            required: [cronSpec]
            properties:
              cronSpec: {type: string, description: When., pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$'}
              image: {type: string}
              replicas: {type: integer, minimum: 1, maximum: 10, default: 1}
          status:
            type: object
            properties: {replicas: {type: integer}, labelSelector: {type: string}}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.labelSelector}
    selectableFields: [{jsonPath: .spec.image}]
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
`
const crontab = (spec: string): string => `apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: my-new-cron-object}\nspec: ${spec}\n`

describe('kubectl 1.36 with custom resources', () => {
  test('apply a definition, wait for it, see it', async () => {
    expect((await kubectl('apply', '-f', await written('crd.yaml', definition))).out).toBe('customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created\n')
    expect((await kubectl('wait', '--for=condition=Established', '--timeout=20s', 'crd/crontabs.stable.example.com')).out).toBe('customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com condition met\n')
    expect((await kubectl('get', 'crd')).out).toMatch(/^NAME +CREATED AT\ncrontabs\.stable\.example\.com +\d{4}-/)
    expect((await kubectl('api-resources', '--api-group=stable.example.com')).out).toMatch(/crontabs +ct +stable\.example\.com\/v1 +true +CronTab/)
    expect((await kubectl('apply', '-f', path.join(folder, 'crd.yaml'))).out).toBe('customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com unchanged\n')
  })

  test('explain', async () => {
    const { out } = await kubectl('explain', 'crontabs.spec')
    expect(out).toContain('GROUP:      stable.example.com\nKIND:       CronTab\nVERSION:    v1\n')
    expect(out).toMatch(/FIELD: spec <Object>[\s\S]*What is wanted\.[\s\S]*cronSpec\t<string> -required-\n {4}When\.[\s\S]*replicas\t<integer>/)
    expect((await kubectl('explain', 'ct', '--recursive')).out).toMatch(/A CronTab runs an image now and then\.[\s\S]*metadata\t<ObjectMeta>[\s\S]*ownerReferences[\s\S]*spec\t<Object> -required-/)
  })

  test('instances: validation, columns, short names, categories, fields', async () => {
    const unknown = await kubectl('apply', '-f', await written('unknown.yaml', crontab('{cronSpec: "* * * * */5", imagee: x}')))
    expect([unknown.code, unknown.out]).toEqual([1, expect.stringContaining('strict decoding error: unknown field "spec.imagee"')])
    const wrong = await kubectl('apply', '-f', await written('wrong.yaml', crontab('{cronSpec: "now", replicas: 20}')))
    expect(wrong.out).toContain('The CronTab "my-new-cron-object" is invalid: ')
    expect(wrong.out).toContain('* spec.replicas: Invalid value: 20: spec.replicas in body should be less than or equal to 10')
    expect((await kubectl('apply', '-f', await written('right.yaml', crontab('{cronSpec: "* * * * */5", image: my-image}')))).out).toBe('crontab.stable.example.com/my-new-cron-object created\n')
    expect((await kubectl('get', 'ct')).out).toMatch(/^NAME +SPEC +REPLICAS +AGE\nmy-new-cron-object +\* \* \* \* \*\/5 +1 +\d+s\n$/)
    expect((await kubectl('get', 'tabs', '-o', 'name')).out).toBe('crontab.stable.example.com/my-new-cron-object\n')
    expect((await kubectl('get', 'ct', '--field-selector', 'spec.image=other', '-o', 'name')).out).toBe('')
    expect((await kubectl('apply', '-f', path.join(folder, 'right.yaml'))).out).toBe('crontab.stable.example.com/my-new-cron-object unchanged\n')
    const changed = await written('right.yaml', crontab('{cronSpec: "* * * * */5", image: his-image}'))
    // kubectl learns from OpenAPI which patch it may send.
    expect((await kubectl('apply', '-f', changed)).out).toBe('crontab.stable.example.com/my-new-cron-object configured\n')
    expect((await kubectl('get', 'ct', '-o', 'jsonpath={.items[*].spec.image}')).out).toBe('his-image')
  })

  test('scale, patch, edit the status, apply on the server, describe', async () => {
    expect((await kubectl('scale', '--replicas=5', 'crontabs/my-new-cron-object')).out).toBe('crontab.stable.example.com/my-new-cron-object scaled\n')
    expect((await kubectl('get', 'ct', 'my-new-cron-object', '-o', 'jsonpath={.spec.replicas} {.metadata.generation}')).out).toBe('5 3')
    expect((await kubectl('patch', 'ct', 'my-new-cron-object', '--type=merge', '-p', '{"spec":{"replicas":7}}')).out).toContain('patched')
    expect((await kubectl('patch', 'ct', 'my-new-cron-object', '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":7}}')).out).toContain('patched')
    const applied = await kubectl('apply', '--server-side', '--force-conflicts', '-f', await written('right.yaml', crontab('{cronSpec: "* * * * */6", image: my-image}')))
    expect(applied.out).toBe('crontab.stable.example.com/my-new-cron-object serverside-applied\n')
    expect((await kubectl('describe', 'ct', 'my-new-cron-object')).out).toMatch(/Spec:\n {2}Cron Spec: +\* \* \* \* \*\/6\n {2}Image: +my-image\n {2}Replicas: +7\nStatus:\n {2}Replicas: +7\n/)
  })

  test('delete an instance, and the definition with what is left', async () => {
    expect((await kubectl('delete', 'ct', 'my-new-cron-object')).out).toBe('crontab.stable.example.com "my-new-cron-object" deleted from default namespace\n')
    await kubectl('apply', '-f', path.join(folder, 'right.yaml'))
    expect((await kubectl('delete', '-f', path.join(folder, 'crd.yaml'))).out).toBe('customresourcedefinition.apiextensions.k8s.io "crontabs.stable.example.com" deleted\n')
    expect((await kubectl('get', 'crd')).out).toBe('No resources found\n')
    expect((await kubectl('get', 'crontabs.v1.stable.example.com')).code).toBe(1)
  })
})
