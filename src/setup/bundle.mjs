/** Bundles the command into dist/: one entry, views and components as chunks that are loaded when they are needed. */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const dist = path.join(root, 'dist')

/**
 * Node's own modules by `process.getBuiltinModule`, not by `import`: making an ES module of one reads all that it exports, and node:http alone then loads its WebSocket client.
 * Several parts of the program start one after the other on a small machine; this is a tenth of the time that each takes.
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:|^[a-z_]+$/ }, ({ path: name }) => {
      const bare = name.replace(/^node:/, '')
      return isBuiltin(`node:${bare}`) ? { path: bare, namespace: 'builtin', sideEffects: false } : undefined
    })
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path: name }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(`node:${name}`)})`, loader: 'js' }))
  },
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: { wherry: 'src/main.ts', library: 'src/library.ts' },
  outdir: dist,
  bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node24', minify: true, keepNames: true, sourcemap: false, legalComments: 'none',
  plugins: [builtins],
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
// What cannot be bundled goes along: copies of the program, here and on machines that joined, have no node_modules above them.
const native = path.join(root, 'node_modules/@lydell')
for (const name of ['node-pty', `node-pty-${process.platform}-${process.arch}`]) if (existsSync(path.join(native, name))) cpSync(path.join(native, name), path.join(dist, 'node_modules/@lydell', name), { recursive: true, dereference: true })
// The first start finds everything compiled; the cache lies beside the bundle and is copied with it.
execFileSync(process.execPath, [path.join(dist, 'wherry.js'), 'warm'], { stdio: ['ignore', 'ignore', 'inherit'] })
// Node makes its cache for one user; whoever may read the program may read what was compiled of it.
const cache = path.join(dist, 'compile-cache')
for (const entry of existsSync(cache) ? readdirSync(cache, { recursive: true, withFileTypes: true }) : []) chmodSync(path.join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
