#!/usr/bin/env node
/** The `wherry` program of the package: sets up what is missing, then runs the bundled command on the pinned Node. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const setup = spawnSync(process.execPath, [path.join(root, 'src/setup/setup.mjs')], { stdio: ['ignore', 2, 2] })
if (setup.status !== 0) process.exit(setup.status ?? 1)
// The terminal's signals reach the child as well; this process only waits for its verdict.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => {})
const result = spawnSync(path.join(root, 'node_modules/.bin/node'), [path.join(root, 'dist/wherry.js'), ...process.argv.slice(2)], { stdio: 'inherit' })
process.exit(result.status ?? 1)
