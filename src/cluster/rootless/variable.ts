/** Set for commands that run in the namespaces of an unprivileged user's cluster: the port of 127.0.0.1 where its API server answers. */
export const rootlessVariable = 'WHERRY_ROOTLESS_PORT'

/** undefined: this is no such command. */
export const rootlessPort = (environment: NodeJS.ProcessEnv): number | undefined => {
  const port = Number(environment[rootlessVariable])
  return Number.isInteger(port) && port > 0 ? port : undefined
}
