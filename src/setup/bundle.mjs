/** Bundles the command into dist/: one entry, views and components as chunks that are loaded when they are needed. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const dist = path.join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: { wherry: 'src/main.ts', library: 'src/library.ts' },
  outdir: dist,
  bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24', minify: true, keepNames: true, sourcemap: false, legalComments: 'none',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  // Ink asks for the devtools only in development; nothing of them is to be in the bundle.
  alias: { 'react-devtools-core': path.join(root, 'src/setup/empty.mjs') },
  external: ['@lydell/node-pty', 'bufferutil', 'utf-8-validate', 'canvas'],
  // Packages in CommonJS call require() for Node's own modules.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
})
cpSync(path.join(root, 'manifests'), path.join(dist, 'manifests'), { recursive: true })
writeFileSync(path.join(dist, 'package.json'), JSON.stringify({ type: 'module' }))
