/** The `wherry` command: reads flags, and gives them to what runs. Everything is loaded when its command is used. */
import { enableCompileCache } from 'node:module'
import path from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { serverFlags } from './cluster/server-flags.ts'
import { UserError } from './cluster/user-error.ts'
import { wherryVersion } from './cluster/version.ts'

// The bundle has its cache beside it, warmed when it was made, and takes it along wherever it is copied.
enableCompileCache(import.meta.filename.endsWith('.js') ? { directory: path.join(import.meta.dirname, 'compile-cache'), portable: true } : undefined)

const ended = new AbortController()
const endOn = (...signals: NodeJS.Signals[]): void => { for (const name of signals) process.once(name, () => ended.abort(new UserError(`ended by ${name}`, name === 'SIGINT' ? 130 : 143))) }

const count = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 20) throw new InvalidArgumentError('a number from 1 to 20 is expected')
  return value
}
const seconds = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 3600) throw new InvalidArgumentError('seconds from 1 to 3600 are expected')
  return value
}
const port = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new InvalidArgumentError('a port from 1 to 65535 is expected')
  return value
}
const cidr = (text: string): string => {
  if (!/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(text)) throw new InvalidArgumentError('an IPv4 range such as 10.244.0.0/16 is expected')
  return text
}
/** Whether one letter more, less, other or exchanged with its neighbour makes one word of the other, or one begins with the other. */
const isAlmost = (word: string, other: string): boolean => {
  let [start, end] = [0, 0]
  while (start < Math.min(word.length, other.length) && word[start] === other[start]) start++
  while (end < Math.min(word.length, other.length) - start && word.at(-1 - end) === other.at(-1 - end)) end++
  const [left, right] = [word.slice(start, word.length - end), other.slice(start, other.length - end)]
  return (left.length <= 1 && right.length <= 1) || (left.length === 2 && right === `${left[1] ?? ''}${left[0] ?? ''}`) || (start === word.length && start > 1)
}
const collect = (value: string, previous: string[] = []): string[] => [...previous, value]

const program = new Command('wherry')
  .description('Kubernetes whose pods are supervised host processes.')
  .version(wherryVersion)
  .option('--data-dir <directory>', 'where the cluster keeps its state (default: $WHERRY_HOME, /var/lib/wherry as root)')
  .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
  .showHelpAfterError('(see: wherry --help)')
  .addHelpText('after', `
Examples:
  wherry up --detach --wait            start the cluster of this machine and wait until it is ready
  wherry up --nodes 3                  three nodes on this machine, the second and third in namespaces
  export KUBECONFIG=$(wherry kubeconfig); kubectl get pods -A
  wherry node add root@192.0.2.7       another machine joins over SSH
  wherry down                          stop everything, and leave the machine as it was`)
  .exitOverride()

const dataDirectory = async (): Promise<string> => {
  const { defaultDataDirectory } = await import('./cluster/home.ts')
  return program.opts<{ dataDir?: string }>().dataDir ?? defaultDataDirectory(process.env, process.getuid?.() ?? -1)
}
const homeOf = async (): Promise<import('./cluster/home.ts').Home> => (await import('./cluster/home.ts')).homeAt(await dataDirectory())

/** kube-apiserver's flags, handed on to the cluster's API server; those without words of their own are listed below the others. */
const serverOptions = (command: Command): Command => {
  for (const { name, kind, says } of serverFlags) command.addOption(new Option(`--${name} <${kind === 'text' ? 'value' : 'file'}>`, `${says} (as kube-apiserver)`).hideHelp(says === ''))
  const others = serverFlags.filter(({ says }) => says === '').map(({ name }) => `--${name}`)
  return command.addHelpText('after', `\nkube-apiserver's flags that are handed on, too: ${others.join(' ')}\nAn empty value takes one back.`)
}

const clusterOptions = (command: Command): Command => serverOptions(command)
  .option('--single', 'control plane, kubelet, kube-proxy and dns of one node in one process')
  .option('--nodes <count>', 'nodes on this machine; all but the first in namespaces', count, 1)
  .option('--isolated', "every node in a namespace of its own: the machine's tables stay untouched, any number of clusters side by side")
  .option('--port <port>', "the API server's port", port)
  .addOption(new Option('--pod-cidr <range>', 'addresses of pods').argParser(cidr))
  .addOption(new Option('--service-cidr <range>', 'addresses of Services').argParser(cidr))
  .option('--encrypt-secrets', 'Secrets are encrypted in the store, with a key that is made in the data directory')
  .option('-f, --filename <file>', 'manifests to apply once the cluster answers (repeatable)', collect)

clusterOptions(program.command('up').description('start the cluster of this machine, or attach to it; leaving the dashboard leaves it running'))
  .option('--detach', 'do not open the dashboard')
  .option('--wait', 'return when every node is Ready and the addons run')
  .action(async (options) => { const { up } = await import('./cluster/up.ts'); await up({ home: await homeOf(), ...options }, ended.signal) })

clusterOptions(program.command('start', { hidden: true }).description('what `npm start` does: up, with the example application, and the dashboard'))
  .option('--detach', 'do not open the dashboard')
  .option('--wait', 'return when every node is Ready and the addons run')
  .action(async (options) => { const { up } = await import('./cluster/up.ts'); await up({ home: await homeOf(), example: true, ...options }, ended.signal) })

program.command('down').description('stop the cluster, pods first and with their grace; the machine is then as it was')
  .option('--delete-data', 'also delete its data: objects, certificates, logs')
  .action(async (options) => { const { down } = await import('./cluster/down.ts'); await down({ home: await homeOf(), ...options }, ended.signal) })

program.command('upgrade').description('the cluster that runs goes on with this program: pods keep their processes, and what does not come up is put back')
  .option('--timeout <seconds>', 'how long each part may take to come up', seconds, 90)
  .action(async (options) => { const { upgrade } = await import('./cluster/upgrade.ts'); await upgrade({ home: await homeOf(), ...options }, ended.signal) })

const serviceCommand = program.command('service').description('the cluster comes back after a reboot')
for (const [verb, what] of [['install', 'by a unit of systemd, written and enabled'], ['remove', 'no more'], ['print', 'the unit, for whoever writes it himself']] as const) {
  serviceCommand.command(verb).description(what).action(async () => { const { service } = await import('./cluster/service.ts'); await service({ home: await homeOf(), verb }) })
}

program.command('status').description('what runs')
  .option('--json', 'as JSON')
  .action(async (options) => { const { status } = await import('./cluster/status.ts'); await status({ home: await homeOf(), ...options }, ended.signal) })

program.command('kubeconfig').description('print the path of the kubeconfig, alone on standard output')
  .option('--merge', 'merge it into $KUBECONFIG or ~/.kube/config as context "wherry" instead')
  .action(async (options) => { const { printKubeconfig } = await import('./cluster/kubeconfig.ts'); await printKubeconfig({ home: await homeOf(), ...options }) })

const ui = program.command('ui', { isDefault: true }).description('the dashboard (also: wherry alone)')
  .option('--context <name>', 'a context of the kubeconfig; any Kubernetes cluster will do')
  .option('--kubeconfig <file>', 'a kubeconfig other than this cluster\'s, $KUBECONFIG or ~/.kube/config')
  .option('--namespace <name>', 'the namespace to begin with')
  .option('--read-only', 'nothing can be changed')
  .action(async (options) => { const { openDashboard } = await import('./cluster/dashboard.ts'); await openDashboard({ home: await homeOf(), ...options }, ended.signal) })
  .allowExcessArguments(false)
// A word that is no command comes here as an argument of the default command, which takes none.
const excess = program.error.bind(program)
ui.error = (message, options) => {
  const [word = ''] = program.args
  if (options?.code !== 'commander.excessArguments' || word === ui.name()) return excess(message, options)
  const close = program.commands.map((each) => each.name()).find((name) => isAlmost(word, name))
  return excess(`error: unknown command '${word}'${close === undefined ? '' : `\n(Did you mean ${close}?)`}`, { code: 'commander.unknownCommand', exitCode: 1 })
}

const node = program.command('node').description('machines and nodes')
node.command('add').argument('<host>', '[user@]host[:port]').description('a machine with sshd joins: it gets the agent, a certificate, a pod range and routes')
  .option('--name <name>', "the node's name (default: the machine's host name)")
  .option('--identity <file>', 'an SSH private key')
  .option('--accept-new-host-key', 'trust a host key that is not known yet')
  .action(async (host: string, options) => { const { addNode } = await import('./cluster/ssh/add-node.ts'); await addNode({ home: await homeOf(), host, ...options }, ended.signal) })
node.command('remove').argument('<name>', "the node's name, as kubectl get nodes has it").description('drain a joined machine and take the agent off it')
  .action(async (name: string) => { const { removeNode } = await import('./cluster/ssh/remove-node.ts'); await removeNode({ home: await homeOf(), name }, ended.signal) })
for (const [verb, what] of [['kill', 'kill everything on a node made by --nodes'], ['cut', 'cut its network'], ['heal', 'bring it back']] as const) {
  node.command(verb).argument('<name>', "the node's name, as kubectl get nodes has it").description(what)
    .action(async (name: string) => { const { disturbNode } = await import('./cluster/local-nodes.ts'); await disturbNode({ home: await homeOf(), name, verb }, ended.signal) })
}

const image = program.command('image').description("root file systems for pods, besides the machine's own")
image.command('load').argument('<source>', 'an OCI layout or archive, an archive of docker save, or the directory of a root file system').description('unpack an image, for pods to name')
  .option('--name <name>', "the image's name, where the source has none")
  .option('--node <name>', 'only for this node (default: for every node, joined machines too)')
  .option('--entrypoint <word>', 'of a plain directory: what runs in it (repeatable, a word each)', collect)
  .option('--env <name=value>', 'of a plain directory (repeatable)', collect)
  .option('--workdir <directory>', 'of a plain directory')
  .option('--user <user>', 'of a plain directory: a name or number, perhaps with :group')
  .action(async (source: string, options) => { const { loadImage } = await import('./cluster/images.ts'); await loadImage({ home: await homeOf(), source, ...options }, ended.signal) })
image.command('pull').argument('<reference>', "an image's name, such as registry.example/team/app:2").description('fetch an image from its registry; pods that name one do so by themselves')
  .option('--node <name>', 'only for this node (default: for every node, joined machines too)')
  .action(async (reference: string, options) => { const { pullToNodes } = await import('./cluster/images.ts'); await pullToNodes({ home: await homeOf(), image: reference, ...options }, ended.signal) })
const ofNode = "of a joined machine (default: of this machine's nodes)"
image.command('list').description('what is there').option('--node <name>', ofNode)
  .action(async (options) => { const { listImages } = await import('./cluster/images.ts'); await listImages({ home: await homeOf(), ...options }, ended.signal) })
image.command('rm').argument('<name>', "an image's name or id, or a mapped pattern").description('take a name away, and with its last name the image').option('--node <name>', ofNode)
  .action(async (name: string, options) => { const { dropImage } = await import('./cluster/images.ts'); await dropImage({ home: await homeOf(), name, ...options }, ended.signal) })
image.command('map').argument('<pattern>', 'image names, such as nginx:*').argument('<command...>', "the program and its arguments; a pod's args come after them, unless they begin with the program themselves").description("let images of that name mean a program of this machine: wherry image map 'nginx:*' -- nginx -g 'daemon off;'")
  .option('--no-entrypoint', "a pod's args stand in place of the command, as with images that have no entry point (a lone shell is always such a command)")
  .option('--env <name=value>', 'repeatable', collect).option('--workdir <directory>', 'where it runs').option('--user <user>', 'as whom: a name or number').option('--node <name>', ofNode)
  .action(async (pattern: string, command: string[], options) => { const { mapImage } = await import('./cluster/images.ts'); await mapImage({ home: await homeOf(), pattern, command, ...options }, ended.signal) })

const snapshot = program.command('snapshot').description("backup of the cluster's store")
snapshot.command('save').argument('<file>', 'where to write it').description('write all objects of a running cluster to a file')
  .action(async (file: string) => { const { saveSnapshot } = await import('./cluster/snapshot.ts'); await saveSnapshot({ home: await homeOf(), file }, ended.signal) })
snapshot.command('restore').argument('<file>', 'what save has written').description('give a cluster that is down the objects of a file')
  .action(async (file: string) => { const { restoreSnapshot } = await import('./cluster/snapshot.ts'); await restoreSnapshot({ home: await homeOf(), file }) })

program.command('rootless-forwarder', { hidden: true }).allowUnknownOption().argument('[flags...]').helpOption(false)
  .action(async (flags: string[]) => { const { runForwarder } = await import('./cluster/rootless/forwarder.ts'); await runForwarder(await homeOf(), flags, ended.signal) })

program.command('rootless-outside', { hidden: true })
  .action(async () => { const { runOutside } = await import('./cluster/rootless/outside.ts'); await runOutside(await homeOf(), ended.signal) })

const components = ['apiserver', 'scheduler', 'controller-manager', 'cloud-controller-manager', 'kubelet', 'kube-proxy', 'dns', 'single', 'machine', 'tear-down', 'image-puller'] as const
for (const name of components) {
  program.command(name, { hidden: ['tear-down', 'single', 'machine', 'image-puller'].includes(name) }).description('one component, in the foreground').allowUnknownOption().argument('[flags...]').helpOption(false)
    .action(async (flags: string[]) => { const { runComponent } = await import('./cluster/components.ts'); await runComponent(name, flags, ended.signal) })
}

program.command('warm', { hidden: true }).description('what bundling does at its end: load everything once, so that the compile cache holds it')
  .action(async () => { await Promise.all([import('./cluster/components.ts').then(({ loadComponents }) => loadComponents()), import('./cluster/up.ts'), import('./cluster/down.ts'), import('./cluster/home.ts'), import('../ui/main.tsx')]) })

const report = (error: unknown): number => {
  if (error instanceof CommanderError) return error.exitCode
  if (error instanceof UserError && error.exitCode === 0) { process.stdout.write(`${error.message}\n`); return 0 }
  if (error instanceof UserError) { process.stderr.write(`wherry: ${error.message}\n`); return error.exitCode }
  if (ended.signal.aborted && ended.signal.reason instanceof UserError) return ended.signal.reason.exitCode
  process.stderr.write(`wherry: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
}

// Without root a command on the cluster of this machine runs in namespaces of the user's own.
const forUsers = ['up', 'start', 'upgrade', 'down', 'status', 'node', 'image', 'snapshot']
program.hook('preAction', async (_, action) => {
  const names: string[] = []
  for (let each: Command | null = action; each?.parent; each = each.parent) names.unshift(each.name())
  const [command = ''] = names
  const { rootlessPort } = await import('./cluster/rootless/variable.ts')
  if (!forUsers.includes(command) || (process.getuid?.() ?? 0) === 0 || rootlessPort(process.env) !== undefined) return
  const { runUnprivileged } = await import('./cluster/rootless/unprivileged.ts')
  const { port, deleteData } = action.opts<{ port?: number; deleteData?: boolean }>()
  const code = await runUnprivileged({ names, dataDirectory: await dataDirectory(), port, deleteData: deleteData ?? false, args: process.argv.slice(2) }, ended.signal)
  if (code !== undefined) throw new CommanderError(code, 'wherry.unprivileged', '')
})

endOn('SIGINT', 'SIGTERM', 'SIGHUP')
// An open port keeps the process alive while it waits for nothing but an answer; idle connections alone would not.
const { port1: alive } = new MessageChannel()
alive.ref()
process.exitCode = await program.parseAsync().then(() => 0, report)
alive.close()
// What a command leaves open (a socket that is closing, a child that was detached) is no reason to stay.
process.exit()
