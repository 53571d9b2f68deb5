import { defineConfig } from 'vitest/config'

const timeouts = { testTimeout: 60_000, hookTimeout: 120_000 }

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.{ts,tsx}'], exclude: ['test/node/**', 'test/clients/**'], ...timeouts },
      },
      {
        extends: true,
        // Real namespaces, rules and daemons of one machine: one file at a time, and once more where a deadline was missed because the machine was busy.
        test: { name: 'machine', include: ['test/node/**/*.test.ts', 'test/clients/**/*.test.ts'], fileParallelism: false, ...timeouts, testTimeout: 180_000, retry: 1 },
      },
    ],
    pool: 'forks',
    maxWorkers: 2,
  },
})
