import { writeFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

const timeouts = { testTimeout: 60_000, hookTimeout: 120_000 }

/** Where test/support/run-tests.ts wants to read what happened; errors outside of any test, which no file's result tells of, beside it. */
const report = process.env['WHERRY_TEST_REPORT']
const reporters = ['default', ['json', { outputFile: report }], { onTestRunEnd: (_: unknown, outside: readonly unknown[]) => writeFileSync(`${report}.outside`, String(outside.length)) }] as const

// They look at the whole machine, which nothing else may change meanwhile, or count milliseconds.
const alone = ['down', 'healing', 'node-network', 'runtime'].map((name) => `test/node/${name}.test.ts`)

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  test: {
    projects: [
      {
        extends: true,
        // The files of one worker share their modules: loading them anew for each file costs more than the tests.
        test: { name: 'unit', include: ['test/**/*.test.{ts,tsx}'], exclude: ['test/node/**', 'test/clients/**', 'test/conformance/**'], isolate: false, ...timeouts },
      },
      {
        extends: true,
        // Real namespaces, rules and daemons, each cluster in namespaces of its own. No `retry`: what a test has made is there when it is tried again; test/support/run-tests.ts runs the file again.
        test: { name: 'machine', include: ['test/node/**/*.test.ts', 'test/clients/**/*.test.ts', 'test/conformance/**/*.test.ts'], exclude: alone, ...timeouts, testTimeout: 180_000 },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, fileParallelism: false, ...timeouts, testTimeout: 180_000 },
      },
    ],
    pool: 'forks',
    ...(report && { reporters: [...reporters] }),
    maxWorkers: 2,
  },
})
