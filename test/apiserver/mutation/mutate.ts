/**
 * Breaks the API server in a copy of the tree, one place at a time, and asks whether the tests notice: first the corpus, and where that holds, the unit tests of the
 * API server. `node test/apiserver/mutation/mutate.ts [part of a name…]` prints a line for each and how many were caught; a mutation whose text is gone is an error.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Mutation, mutations } from './mutations.ts'

const root = path.resolve(import.meta.dirname, '../../..')
/** A broken server may also wait for ever: that is noticed, too. */
const corpusMs = 180_000
const unitMs = 600_000

export interface Outcome { name: string; caughtBy: 'the corpus' | 'unit tests' | undefined; seconds: number }

/** How often the text to be replaced stands in its file; it must be once. */
export const occurrences = async ({ file, find }: Mutation, folder = root): Promise<number> => (await readFile(path.join(folder, file), 'utf8')).split(find).length - 1

/** A copy in which everything can be broken: sources and tests; packages are linked. */
const copyTree = async (): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wherry-mutation-'))
  for (const each of ['src', 'agents', 'ui', 'test', 'manifests', 'package.json', 'tsconfig.json', 'vitest.config.ts']) await cp(path.join(root, each), path.join(folder, each), { recursive: true, filter: (source) => !source.includes('node_modules') })
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  return folder
}

/** Whether the program ends well within its time. */
const holds = async (folder: string, args: readonly string[], limitMs: number): Promise<boolean> => {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore', env: { ...process.env, WHERRY_ORACLE: process.env['WHERRY_ORACLE'] ?? path.join(root, '../shared/kubernetes-1.36'), WHERRY_FULL: '' } })
  const late = setTimeout(() => child.kill('SIGKILL'), limitMs)
  try {
    return await new Promise<boolean>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code) => resolve(code === 0))
    })
  } finally {
    clearTimeout(late)
  }
}

const corpusHolds = (folder: string): Promise<boolean> => holds(folder, ['test/apiserver/corpus/run.ts'], corpusMs)
const unitTestsHold = (folder: string): Promise<boolean> => holds(folder, ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--bail=1', '--exclude', '**/{corpus,mutation,fuzz}/**', 'test/apiserver', 'test/api'], unitMs)

/** Tries each; calls back as it goes. Rejects when the unbroken copy does not hold. */
export const mutate = async (wanted: readonly Mutation[], told: (outcome: Outcome) => void = () => {}): Promise<Outcome[]> => {
  const folder = await copyTree()
  try {
    if (!(await corpusHolds(folder))) throw new Error('the corpus does not hold before anything is broken')
    const outcomes: Outcome[] = []
    for (const mutation of wanted) {
      const file = path.join(folder, mutation.file)
      const text = await readFile(file, 'utf8')
      if ((await occurrences(mutation, folder)) !== 1) throw new Error(`${mutation.name}: its text must stand once in ${mutation.file}`)
      const begun = performance.now()
      await writeFile(file, text.replace(mutation.find, () => mutation.replace))
      const caughtBy = !(await corpusHolds(folder)) ? 'the corpus' : !(await unitTestsHold(folder)) ? 'unit tests' : undefined
      await writeFile(file, text)
      const outcome: Outcome = { name: mutation.name, caughtBy, seconds: (performance.now() - begun) / 1000 }
      outcomes.push(outcome)
      told(outcome)
    }
    return outcomes
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const asked = process.argv.slice(2)
  const wanted = asked.length === 0 ? mutations : mutations.filter(({ name }) => asked.some((each) => name.includes(each)))
  const outcomes = await mutate(wanted, ({ name, caughtBy, seconds }) => console.log(`${(caughtBy ? `caught by ${caughtBy}` : 'NOT CAUGHT').padEnd(22)} ${seconds.toFixed(1).padStart(6)} s  ${name}`))
  const caught = outcomes.filter(({ caughtBy }) => caughtBy !== undefined).length
  console.log(`\n${caught} of ${outcomes.length} caught`)
  process.exitCode = caught === outcomes.length ? 0 : 1
}
