/** Every case of the corpus against one server, and the corpus's own rules. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasOracle, oracle, oracleText } from '../../support/oracle.ts'
import { corpus } from './corpus.ts'
import type { Source } from './case.ts'
import { runCase } from './runner.ts'
import { type CorpusServer, startCorpusServer } from './server.ts'

let at: CorpusServer
beforeAll(async () => { at = await startCorpusServer() })
afterAll(() => at[Symbol.asyncDispose]())

for (const [group, cases] of Object.entries(corpus)) {
  describe(group, () => {
    for (const each of cases) test(each.name, async () => expect(await runCase(at, each), `source: ${each.source.where}`).toEqual([]))
  })
}

describe('the corpus itself', () => {
  const all = Object.entries(corpus).flatMap(([group, cases]) => cases.map((each) => ({ ...each, name: `${group}: ${each.name}` })))
  const sources = (kind: Source['kind']): string[] => [...new Set(all.filter(({ source }) => source.kind === kind).map(({ source }) => source.where))]

  test('has at least 400 cases, each with a name of its own', () => {
    expect(all.length).toBeGreaterThanOrEqual(400)
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  })

  test.runIf(hasOracle)('names conformance behaviours that there are', () => {
    const names = new Set([...oracleText('conformance.yaml').matchAll(/^- testname: (.+(?:\n {4}.+)*)/gm)].map(([, name = '']) => name.replaceAll(/\s+/g, ' ').replaceAll(/^'|'$/g, '').trim()))
    expect(sources('conformance').filter((name) => !names.has(name))).toEqual([])
  })

  test.runIf(hasOracle)('names definitions, fields and parameters that there are', () => {
    const { definitions, parameters } = oracle<{ definitions: Record<string, { properties?: Record<string, unknown> }>; parameters: Record<string, unknown> }>('swagger.json')
    const exists = (name: string): boolean => {
      if (name.startsWith('parameters.')) return Object.keys(parameters).some((each) => each.startsWith(`${name.slice('parameters.'.length)}-`))
      return ['io.k8s.api.', 'io.k8s.apimachinery.pkg.', 'io.k8s.'].some((prefix) => {
        const at = name.lastIndexOf('.')
        return Object.hasOwn(definitions, prefix + name) || Object.hasOwn(definitions[prefix + name.slice(0, at)]?.properties ?? {}, name.slice(at + 1))
      })
    }
    expect(sources('reference').filter((name) => !exists(name))).toEqual([])
  })
})
