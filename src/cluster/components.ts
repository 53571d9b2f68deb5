/** One component in the foreground: what static pods, the addons and keepers run. */
type Run = (args: readonly string[], signal: AbortSignal) => Promise<void>

/** Each is loaded when it is asked for: none pays for the others. */
const components = {
  apiserver: async (): Promise<Run> => (await import('./components/apiserver.ts')).runApiServer,
  single: async (): Promise<Run> => (await import('./components/single.ts')).runSingle,
  scheduler: async (): Promise<Run> => (await import('./components/scheduler.ts')).runScheduler,
  'controller-manager': async (): Promise<Run> => (await import('./components/controller-manager.ts')).runControllerManager,
  'cloud-controller-manager': async (): Promise<Run> => (await import('./components/cloud-controller-manager.ts')).runCloudControllerManager,
  machine: async (): Promise<Run> => (await import('./ssh/machine-agent.ts')).runMachine,
  'tear-down': async (): Promise<Run> => (await import('./components/tear-down.ts')).runTearDown,
  'image-puller': async (): Promise<Run> => (await import('./components/image-puller.ts')).runImagePuller,
  kubelet: async (): Promise<Run> => (await import('./components/kubelet.ts')).runKubelet,
  'kube-proxy': async (): Promise<Run> => (await import('./components/kube-proxy.ts')).runKubeProxy,
  dns: async (): Promise<Run> => (await import('./components/dns.ts')).runDns,
} as const

export const runComponent = async (name: keyof typeof components, args: readonly string[], signal: AbortSignal): Promise<void> => {
  const run = await components[name]()
  await run(args, signal)
}

/** Loads every component, so that what has been compiled can be kept. */
export const loadComponents = async (): Promise<void> => { await Promise.all(Object.values(components).map((load) => load())) }
