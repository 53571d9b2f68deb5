/** Ports of containers. Mirrors validateContainerPorts and checkHostPortConflicts of upstream's core validation. */
import { isPortName, isPortNumber } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, ContainerPort } from '../../../api/types.ts'
import { checkEach, checkOneOf, invalids } from '../field-checks.ts'

export const protocols = ['SCTP', 'TCP', 'UDP']

export const checkContainerPorts = (path: string, ports: readonly ContainerPort[] | undefined): FieldError[] => {
  const names = new Set<string>()
  const checkName = (at: string, name: string): FieldError[] => {
    const errors = invalids(`${at}.name`, name, isPortName(name))
    if (errors.length > 0) return errors
    if (names.has(name)) return [fieldError.duplicate(`${at}.name`, name)]
    names.add(name)
    return []
  }
  return checkEach(path, ports, ({ name, containerPort, hostPort, protocol }, at) => [
    ...(name ? checkName(at, name) : []),
    ...(containerPort ? invalids(`${at}.containerPort`, containerPort, isPortNumber(containerPort)) : [fieldError.required(`${at}.containerPort`)]),
    ...(hostPort ? invalids(`${at}.hostPort`, hostPort, isPortNumber(hostPort)) : []),
    ...checkOneOf(`${at}.protocol`, protocol, protocols),
  ])
}

/** Two containers of a pod may not ask for the same port of the node. */
export const checkHostPortConflicts = (path: string, containers: readonly Container[]): FieldError[] => {
  const taken = new Set<string>()
  return checkEach(path, containers, ({ ports }, at) => checkEach(`${at}.ports`, ports, ({ protocol, hostIP = '', hostPort }, portPath) => {
    if (!hostPort) return []
    const key = `${protocol}/${hostIP}/${hostPort}`
    if (taken.has(key)) return [fieldError.duplicate(`${portPath}.hostPort`, key)]
    taken.add(key)
    return []
  }))
}

/** In the host's network a container's port is the node's. A template may leave the host port out: its pods get it by default. */
export const checkHostNetworkPorts = (path: string, containers: readonly Container[], isPod: boolean): FieldError[] =>
  checkEach(path, containers, ({ ports }, at) => checkEach(`${at}.ports`, ports, ({ containerPort, hostPort = 0 }, portPath) =>
    ((isPod || hostPort !== 0) && hostPort !== containerPort ? [fieldError.invalid(`${portPath}.hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true')] : [])))
