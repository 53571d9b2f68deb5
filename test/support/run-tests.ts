/**
 * Runs every test that this machine allows: the type check, then vitest's projects one after the other (unit tests; those that use the machine itself; those
 * that must have it for themselves). Ends with the line `N passed, N failed, N skipped`. Arguments are passed on to vitest.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

interface Report { numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number; success: boolean }

const root = path.resolve(import.meta.dirname, '../..')
const scratch = mkdtempSync(path.join(tmpdir(), 'wherry-tests-'))
const total = { passed: 0, failed: 0, skipped: 0 }

const step = (title: string, command: string, args: string[]): boolean => {
  const begun = Date.now()
  console.log(`\n== ${title}`)
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, FORCE_COLOR: '0' } })
  console.log(`== ${title}: ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
  return status === 0
}

const vitest = (project: string, ...more: string[]): boolean => {
  const file = path.join(scratch, `${project}.json`)
  const passed = step(`${project} tests`, process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests',
    '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...more, ...process.argv.slice(2)])
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report
    total.passed += report.numPassedTests
    total.failed += report.numFailedTests
    total.skipped += report.numPendingTests + report.numTodoTests
  } catch (error) {
    console.log(`no report of the ${project} tests: ${String(error)}`)
    return false
  }
  return passed
}

// Clusters wait for much (grace, probes, leases): two processors carry three of them.
const results = [step('type check', process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']), vitest('unit'), vitest('machine', '--maxWorkers=3'), vitest('alone')]
rmSync(scratch, { recursive: true, force: true })
if (process.getuid?.() !== 0) console.log('SKIPPED: tests that need root (namespaces, iptables, cgroups, sshd); run as root to include them')
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(results.every(Boolean) && total.passed > 0 ? 0 : 1)
