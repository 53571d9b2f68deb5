/**
 * The set-up step: makes a fresh clone runnable, and does nothing when nothing is missing.
 * Runs on whatever Node (20 or later) the machine has, before any package is installed, so it imports only built-in modules.
 *
 *   node src/setup/setup.mjs [--test] [--check]
 *
 * --test also fetches what only the tests need; --check does no work and exits 1 when something is missing.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { missingTools, installTools, fetchTestPrograms } from './debian.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const pinnedNode = path.join(root, 'node_modules/.bin/node')
const stampFile = path.join(root, 'node_modules/.wherry-setup.json')

const say = (line) => process.stderr.write(`wherry setup: ${line}\n`)
const fail = (line) => { process.stderr.write(`wherry setup: ${line}\n`); process.exit(1) }

const hashOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16)
const readStamp = () => { try { return JSON.parse(readFileSync(stampFile, 'utf8')) } catch { return {} } }
const writeStamp = (stamp) => writeFileSync(stampFile, JSON.stringify(stamp, undefined, 2))

/** Newest change and number of all source files: what the bundle depends on. */
const sourceState = () => {
  const folders = ['src', 'agents', 'ui', 'manifests']
  let newest = 0
  let count = 0
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name)
      if (entry.isDirectory()) visit(file)
      else if (!entry.name.includes('.gen.')) { count += 1; newest = Math.max(newest, statSync(file).mtimeMs) }
    }
  }
  for (const folder of folders) if (existsSync(path.join(root, folder))) visit(path.join(root, folder))
  return `${count}:${newest}`
}

const run = (command, args, title) => {
  const begun = Date.now()
  say(`${title} …`)
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  if (result.status !== 0) fail(`${title} failed (${command} ${args.join(' ')}):\n${result.error?.message ?? ''}${result.stdout ?? ''}${result.stderr ?? ''}`)
  say(`${title}: done in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
}

const steps = (stamp, forTests) => {
  const lock = existsSync(path.join(root, 'package-lock.json')) ? hashOf(readFileSync(path.join(root, 'package-lock.json'))) : 'none'
  const sources = sourceState()
  return [
    {
      name: 'packages', state: lock, missing: () => stamp.packages !== lock || !existsSync(pinnedNode),
      work: () => {
        // Not 'npm ci': it insists on optional packages of other platforms, which a mirror need not have. The lock file pins all the same, and stays as it is.
        run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], 'installing npm packages')
        if (!existsSync(pinnedNode)) fail(`no Node runtime for ${process.platform}-${process.arch}: Wherry runs on linux-x64 and linux-arm64`)
      },
    },
    {
      name: 'generated', state: lock, missing: () => stamp.generated !== `${lock}:${generatorState()}` || !existsSync(path.join(root, 'src/api/generated/types.gen.ts')),
      get stamp() { return `${lock}:${generatorState()}` },
      work: () => run(pinnedNode, ['src/api/generate.ts'], 'generating the API types and schema'),
    },
    {
      name: 'bundle', state: sources, missing: () => stamp.bundle !== sources || !existsSync(path.join(root, 'dist/wherry.js')),
      work: () => run(pinnedNode, ['src/setup/bundle.mjs'], 'bundling'),
    },
    {
      name: 'tools', state: 'ok', missing: () => missingTools().length > 0,
      work: () => installTools(missingTools(), { say, fail }),
    },
    ...(forTests ? [{ name: 'testPrograms', state: 'ok', missing: () => stamp.testPrograms !== 'ok', work: () => fetchTestPrograms(path.join(root, '.cache/debian'), { say }) }] : []),
  ]
}

const generatorState = () => readdirSync(path.join(root, 'src/api')).filter((name) => name.startsWith('generate')).map((name) => statSync(path.join(root, 'src/api', name)).mtimeMs).join(',')

const main = () => {
  if (Number(process.versions.node.split('.')[0]) < 20) fail(`Node ${process.versions.node} is too old to set Wherry up: 20 or later is needed (it then brings its own Node)`)
  if (process.platform !== 'linux') fail(`Wherry runs on Linux; this is ${process.platform}`)
  const forTests = process.argv.includes('--test')
  const stamp = readStamp()
  const missing = steps(stamp, forTests).filter((step) => step.missing())
  if (missing.length === 0) return
  if (process.argv.includes('--check')) fail(`missing: ${missing.map(({ name }) => name).join(', ')}; run: npm run setup`)
  for (const step of missing) {
    step.work()
    const written = readStamp()
    if (existsSync(path.join(root, 'node_modules'))) { mkdirSync(path.dirname(stampFile), { recursive: true }); writeStamp({ ...written, [step.name]: step.stamp ?? step.state }) }
  }
}

main()

