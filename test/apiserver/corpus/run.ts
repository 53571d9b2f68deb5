/** The corpus without a test runner: `node test/apiserver/corpus/run.ts` ends with 1 at the first case that fails, and says which. */
import { corpus } from './corpus.ts'
import { runCase } from './runner.ts'
import { startCorpusServer } from './server.ts'

const at = await startCorpusServer()
let count = 0
for (const [group, cases] of Object.entries(corpus)) {
  for (const each of cases) {
    const problems = await runCase(at, each).catch((error: unknown) => [String(error)])
    if (problems.length > 0) {
      process.stdout.write(`${group}: ${each.name}\n${problems.join('\n')}\n`)
      process.exit(1)
    }
    count += 1
  }
}
process.stdout.write(`${count} cases hold\n`)
process.exit(0)
