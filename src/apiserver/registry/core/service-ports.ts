/** Takes and gives back node ports in the register that all API servers share. */
import type { Service } from '../../../api/types.ts'
import type { NodePorts } from '../strategy.ts'

export type TakenPorts = { taken: readonly number[]; refused?: never } | { refused: number; taken?: never }

/** What cannot be given back now goes with the repair. */
export const dropPorts = async (ports: readonly number[], service: Service, register: NodePorts | undefined): Promise<void> => {
  for (const port of ports) await register?.drop(port, service).catch(() => undefined)
}

/** All of them, or none, with the one that somebody else has. */
export const takePorts = async (ports: readonly number[], service: Service, register: NodePorts | undefined): Promise<TakenPorts> => {
  const taken: number[] = []
  try {
    for (const port of register ? new Set(ports) : []) {
      const outcome = await register?.take(port, service)
      if (outcome === 'taken') taken.push(port)
      if (outcome !== 'refused') continue
      await dropPorts(taken, service, register)
      return { refused: port }
    }
  } catch (error) {
    await dropPorts(taken, service, register)
    throw error
  }
  return { taken }
}
