/** The house rules that a test can keep: who imports whom, no cycles, no default exports, no banned words or folders, no leaked paths. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean)
const code = tracked.filter((file) => /^(src|agents|ui|test)\/.*\.(ts|tsx|mjs)$/.test(file))
const read = (file: string): string => { try { return readFileSync(path.join(root, file), 'utf8') } catch { return '' } }
const productCode = code.filter((file) => !file.startsWith('test/'))

/** What each part may import from the others; a part may always import itself. */
const mayImport: Record<string, readonly string[]> = {
  'src/api': [],
  'src/store': [],
  'src/client': ['src/api'],
  'src/apiserver': ['src/api', 'src/store', 'src/client/transport.ts', 'src/client/component.ts'],
  'src/scheduler': ['src/api', 'src/client'],
  'src/controller-manager': ['src/api', 'src/client'],
  'src/cloud-controller-manager': ['src/api', 'src/client'],
  'agents/kubelet': ['src/api', 'src/client'],
  'agents/kube-proxy': ['src/api', 'src/client'],
  'agents/dns': ['src/api', 'src/client'],
  ui: ['src/api', 'src/client'],
}

const importsOf = (file: string): string[] =>
  [...read(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, target = '']) => path.posix.normalize(path.posix.join(path.posix.dirname(file), target)))
const partOf = (file: string): string | undefined => Object.keys(mayImport).find((part) => file.startsWith(`${part}/`))

test('imports flow one way', () => {
  const forbidden = productCode.flatMap((file) => {
    const part = partOf(file)
    if (!part) return []
    return importsOf(file)
      .filter((target) => !target.startsWith(`${part}/`) && !(mayImport[part] ?? []).some((allowed) => target === allowed || target.startsWith(`${allowed}/`)))
      .map((target) => `${file} imports ${target}`)
  })
  expect(forbidden).toEqual([])
})

test('pure files do no I/O', () => {
  const pure = productCode.filter((file) => /^(src\/api\/(?!generate)|src\/scheduler\/plugins\/)/.test(file)
    || /^agents\/(kubelet\/(plan|status)|kube-proxy\/(rules|service-map)|dns\/zone)\.ts$/.test(file) || /^src\/apiserver\/registry\/[a-z]+\//.test(file))
  // Telling an IPv4 address from another text is no I/O.
  const withoutChecks = (text: string): string => text.replaceAll(/^import \{ (isIP(v4|v6)?(, )?)+ \} from 'node:net'$/gm, '')
  const impure = pure.filter((file) => /from 'node:(fs|net|http|https|http2|child_process|dgram|tls)/.test(withoutChecks(read(file))))
  expect(impure).toEqual([])
})

test('no import cycles', () => {
  const graph = new Map(productCode.map((file) => [file, [...read(file).matchAll(/^(?:import|export) (?!type)[^'\n]*?from '(\.[^']+)'/gm)]
    .map(([, target = '']) => path.posix.normalize(path.posix.join(path.posix.dirname(file), target)))]))
  const state = new Map<string, 'visiting' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, trail: string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'visiting') { cycles.push([...trail.slice(trail.indexOf(file)), file].join(' → ')); return }
    state.set(file, 'visiting')
    for (const target of graph.get(file) ?? []) if (graph.has(target)) visit(target, [...trail, file])
    state.set(file, 'done')
  }
  for (const file of graph.keys()) visit(file, [])
  expect(cycles).toEqual([])
})

describe.each([
  ['default exports', /^export default /m, (file: string) => file !== 'src/setup/empty.mjs'],
  ['any', /(:|as|<) any\b/, () => true],
  ['unowned notes', new RegExp(`\\b(${['TO', 'FIX', 'HA', 'XX'].map((start, index) => start + ['DO', 'ME', 'CK', 'X'][index]).join('|')})\\b`), () => true],
  ['the clock read outside of clock.ts', /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|(?<![.\w])setInterval\(/, (file: string) => !/^src\/(api\/(clock|random)\.ts|setup\/)/.test(file)],
  ['shell strings', /shell: true|\bexecSync\(/, () => true],
  ['console.log in components', /console\.log\(/, (file: string) => !/^src\/(setup|cluster|main)/.test(file)],
])('no %s', (_, pattern, applies) => {
  test('in the product', () => expect(productCode.filter((file) => applies(file) && pattern.test(read(file)))).toEqual([]))
})

test('what is skipped is said aloud', () => {
  const skips = code.filter((file) => file.startsWith('test/') && /\.(skipIf|runIf|skip)\(|\bskip\(\)/.test(read(file)))
  expect(skips.length).toBeGreaterThan(50)
  // Those that compare with upstream's data files are told of by the file that finds these.
  expect(skips.filter((file) => !/\bsayWhatIsSkipped\(|\bSKIPPED\b|import \{[^}]*\bhasOracle\b/.test(read(file)))).toEqual([])
})

test('no file of the product is longer than 300 lines', () => {
  expect(productCode.filter((file) => read(file).split('\n').length > 301).map((file) => `${file}: ${read(file).split('\n').length - 1}`)).toEqual([])
})

test('folders are nouns of the field', () => {
  expect(tracked.filter((file) => /(^|\/)(utils?|helpers?|common|shared|misc|lib)\//.test(file))).toEqual([])
})

test('files are named in kebab-case', () => {
  expect(code.filter((file) => !/^[a-z0-9.-]+$/.test(path.basename(file)))).toEqual([])
})

test('only what belongs there stands at the top', () => {
  const top = new Set(tracked.map((file) => file.split('/')[0] ?? ''))
  const allowed = /^(package\.json|package-lock\.json|tsconfig\.json|src|ui|agents|manifests|test|README\.md|LICENSE|vitest\.config\.ts|\..*)$/
  expect([...top].filter((name) => !allowed.test(name))).toEqual([])
})

test('no path of a developer machine stands in tracked files', () => {
  const parent = path.dirname(root)
  const suspicious = parent === '/' || parent === '/tmp' ? [] : tracked.filter((file) => !/\.(png|gz|zip)$/.test(file) && read(file).includes(`${parent}/`))
  expect(suspicious).toEqual([])
})
