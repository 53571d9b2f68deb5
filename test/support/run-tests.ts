/**
 * Runs every test that this machine allows: the type check, then vitest's projects one after the other (unit tests; those that use the machine itself; those
 * that must have it for themselves). Ends with the line `N passed, N failed, N skipped`. Arguments are passed on to vitest.
 *
 * A machine that is busy with other things misses a deadline now and then: of the projects that use it, files that failed are run once more, each from its
 * beginning, with a cluster of its own (tests of a file build on one another: one alone could not be tried again). That is said aloud. More than a few failures,
 * or an error that belongs to no test, are no chance, and whoever chooses tests wants to see them fail: then nothing is run again.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** `outside`: errors that belong to no test. */
interface Report { success: boolean; outside: number; testResults: { name: string; status: string; assertionResults: { status: string }[] }[] }

const root = path.resolve(import.meta.dirname, '../..')
const chosen = process.argv.slice(2)
const scratch = mkdtempSync(path.join(tmpdir(), 'wherry-tests-'))
const total = { passed: 0, failed: 0, skipped: 0 }

const step = (title: string, command: string, args: string[], environment: Record<string, string> = {}): boolean => {
  const begun = Date.now()
  console.log(`\n== ${title}`)
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, FORCE_COLOR: '0', ...environment } })
  console.log(`== ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
  return status === 0
}

const vitest = (project: string, name: string, ...more: string[]): Report | undefined => {
  const file = path.join(scratch, `${name.replaceAll(' ', '-')}.json`)
  const passed = step(name, process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests', ...more, ...chosen], { WHERRY_TEST_REPORT: file })
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report
    return { ...report, success: report.success && passed, outside: Number(readFileSync(`${file}.outside`, 'utf8')) }
  } catch (error) {
    console.log(`no report of the ${name}: ${String(error)}`)
    return undefined
  }
}

const count = ({ success, testResults }: Report): boolean => {
  for (const { status } of testResults.flatMap(({ assertionResults }) => assertionResults)) total[status === 'passed' ? 'passed' : status === 'failed' ? 'failed' : 'skipped']++
  return success
}

const project = (name: string, { again = 0, options = [] as string[] } = {}): boolean => {
  const first = vitest(name, `${name} tests`, ...options)
  if (!first) return false
  const failed = first.testResults.filter(({ status }) => status === 'failed').map((file) => file.name)
  if (first.success || failed.length === 0 || failed.length > again || first.outside > 0 || chosen.length > 0) return count(first)
  console.log(`\n== ONCE MORE, for they failed: ${failed.map((file) => path.relative(root, file)).join(', ')}`)
  count({ ...first, testResults: first.testResults.filter((file) => !failed.includes(file.name)) })
  const second = vitest(name, `${name} tests once more`, ...options, ...failed)
  return second !== undefined && count(second)
}

// Clusters wait for much (grace, probes, leases): two processors carry three of them.
const results = [
  step('type check', process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']), project('unit'),
  project('machine', { again: 5, options: ['--maxWorkers=3'] }), project('alone', { again: 2 }),
]
rmSync(scratch, { recursive: true, force: true })
if (process.getuid?.() !== 0) console.log('SKIPPED: tests that need root (namespaces, iptables, cgroups, sshd); run as root to include them')
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(results.every(Boolean) && total.passed > 0 ? 0 : 1)
