/** What this process has had of the CPUs, in milliseconds: for bounds on what work costs, which hold also where others take their share. */
export const cpuMilliseconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
