/** The dashboard as it is shipped: one bundle, in production mode. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { build } from 'esbuild'

const root = path.resolve(import.meta.dirname, '../..')

/** A kubeconfig of a server on this machine, without TLS. */
export const kubeconfig = (port: number): string => JSON.stringify({
  apiVersion: 'v1', kind: 'Config', 'current-context': 'here', clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }], users: [{ name: 'u', user: {} }], contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
})

/** Makes `ui.js` in the folder; it reads $KUBE, and crashes 0.7 s after its start if $CRASH is set. */
export const buildDashboard = async (folder: string): Promise<void> => {
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}')
  await build({
    absWorkingDir: root, outfile: path.join(folder, 'ui.js'), bundle: true, format: 'esm', platform: 'node', target: 'node24', jsx: 'automatic', define: { 'process.env.NODE_ENV': '"production"' }, logLevel: 'error',
    stdin: {
      resolveDir: root, loader: 'ts', contents: `import { runDashboard } from './ui/main.tsx'
        if (process.env['CRASH']) setTimeout(() => { throw new Error('crashed on purpose') }, 700)
        await runDashboard({ kubeconfig: process.env['KUBE'], readOnly: false, startCommand: 'wherry up' }, new AbortController().signal)`,
    },
    alias: { 'react-devtools-core': path.join(root, 'src/setup/empty.mjs') }, external: ['@lydell/node-pty', 'bufferutil', 'utf-8-validate', 'canvas'],
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  })
}
