/** Makes what the bootstrap policy lists, and adds the rules and subjects that an older or edited one lacks. Mirrors the post-start hook `rbac/bootstrap-roles`. */
import { ClusterRoleBindings, ClusterRoles, RoleBindings, Roles, type Kind } from '../../api/kinds.ts'
import { semanticEqual } from '../../api/equal.ts'
import type { Draft, KubeObject } from '../../api/meta.ts'
import { bootstrapClusterRoleBindings, bootstrapClusterRoles, bootstrapRoleBindings, bootstrapRoles } from './bootstrap-roles.ts'

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate'

/** How the hook reads and writes: the API server's own handlers, as its loopback user. */
export interface BootstrapWriter {
  get<T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string): T | undefined
  create<T extends KubeObject>(kind: Kind<T>, object: Draft<T>): Promise<unknown>
  update<T extends KubeObject>(kind: Kind<T>, object: T): Promise<unknown>
}

const missingFrom = <T>(list: readonly T[] | undefined, wanted: readonly T[] | undefined): T[] =>
  (wanted ?? []).filter((each) => !(list ?? []).some((has) => semanticEqual(has, each)))

const ensure = async <T extends KubeObject>(writer: BootstrapWriter, kind: Kind<T>, { wanted, complete }: { wanted: Draft<T>; complete(stored: T): T | undefined }): Promise<void> => {
  const stored = writer.get(kind, wanted.metadata.name ?? '', wanted.metadata.namespace)
  if (!stored) { await writer.create(kind, wanted); return }
  if (stored.metadata.annotations?.[autoupdate] === 'false') return
  const completed = complete(stored)
  if (completed) await writer.update(kind, completed)
}

/** Idempotent; what administrators added stays, unless they said `autoupdate: "false"`, in which case nothing is touched. */
export const bootstrapRbac = async (writer: BootstrapWriter): Promise<void> => {
  await Promise.all([
    ...bootstrapClusterRoles.map((wanted) => ensure(writer, ClusterRoles, { wanted, complete: (stored) => {
      const missing = missingFrom(stored.rules, wanted.aggregationRule ? [] : wanted.rules)
      return missing.length > 0 ? { ...stored, rules: [...(stored.rules ?? []), ...missing] } : undefined
    } })),
    ...bootstrapClusterRoleBindings.map((wanted) => ensure(writer, ClusterRoleBindings, { wanted, complete: (stored) => {
      const missing = missingFrom(stored.subjects, wanted.subjects)
      return missing.length > 0 ? { ...stored, subjects: [...(stored.subjects ?? []), ...missing] } : undefined
    } })),
    ...bootstrapRoles.map((wanted) => ensure(writer, Roles, { wanted, complete: (stored) => {
      const missing = missingFrom(stored.rules, wanted.rules)
      return missing.length > 0 ? { ...stored, rules: [...(stored.rules ?? []), ...missing] } : undefined
    } })),
    ...bootstrapRoleBindings.map((wanted) => ensure(writer, RoleBindings, { wanted, complete: (stored) => {
      const missing = missingFrom(stored.subjects, wanted.subjects)
      return missing.length > 0 ? { ...stored, subjects: [...(stored.subjects ?? []), ...missing] } : undefined
    } })),
  ])
}
