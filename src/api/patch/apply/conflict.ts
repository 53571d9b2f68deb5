/** What an apply would take from others, and the refusal that says so. Mirrors `managedfields/internal/conflict.go`. */
import { StatusError } from '../../status.ts'
import { difference, type FieldSet, pathsOf, union, emptySet, isEmptySet } from './field-set.ts'
import type { Manager } from './managed-fields.ts'
import { formatPath } from './path-element.ts'

/** The fields that one manager would lose. */
export interface Conflict { manager: Manager; fields: FieldSet }

/** Thrown inside; `status` makes the 409 of it. */
export class ApplyConflicts extends Error {
  override readonly name = 'ApplyConflicts'
  readonly conflicts: readonly Conflict[]
  constructor(conflicts: readonly Conflict[]) {
    super(`${conflicts.length} managers would lose fields`)
    this.conflicts = conflicts
  }

  get fields(): FieldSet { return this.conflicts.reduce((all, { fields }) => union(all, fields), emptySet) }

  /** Without conflicts over `allowed`. */
  without(allowed: FieldSet): ApplyConflicts {
    return new ApplyConflicts(this.conflicts.map(({ manager, fields }) => ({ manager, fields: difference(fields, allowed) })).filter(({ fields }) => !isEmptySet(fields)))
  }

  /** `Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas`, with a cause a field. */
  get status(): StatusError {
    const sorted = this.conflicts.toSorted((a, b) => (a.manager.id < b.manager.id ? -1 : 1))
    const all = sorted.flatMap(({ manager, fields }) => pathsOf(fields).map((path) => ({ manager: describe(manager), path: formatPath(path) })))
    return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: messageOf(all), reason: 'Conflict', code: 409,
      details: { causes: all.map(({ manager, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field: path })) } })
  }
}

// Without the time of the entry: upstream's identifiers of managers leave it out.
const describe = ({ name, subresource, operation, apiVersion }: Manager): string =>
  `${JSON.stringify(name)}${subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`}${operation === 'Update' ? ` using ${apiVersion}` : ''}`

const messageOf = (all: readonly { manager: string; path: string }[]): string => {
  const [only] = all
  if (all.length === 1 && only) return `Apply failed with 1 conflict: conflict with ${only.manager}: ${only.path}`
  const managers = [...new Set(all.map(({ manager }) => manager))]
  const lines = managers.flatMap((manager) => [`conflicts with ${manager}:`, ...all.filter((each) => each.manager === manager).map(({ path }) => `- ${path}`)])
  return `Apply failed with ${all.length} conflicts: ${lines.join('\n')}`
}
