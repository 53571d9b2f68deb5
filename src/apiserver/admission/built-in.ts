/** The admission plugins of every cluster, in upstream's order (`pkg/kubeapiserver/options/plugins.go`). */
import type { Random } from '../../api/random.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { priorityAdmission } from './priority.ts'
import { rbacEscalation } from './rbac-escalation.ts'
import { serviceAccountAdmission } from './service-account.ts'

export interface BuiltInOptions {
  random: Random
  authorizer: Authorizer
  /** Organizations of a PEM certificate request's subject. */
  organizationsOf(request: string): Promise<readonly string[]>
}

export const builtInAdmission = ({ random, authorizer, organizationsOf }: BuiltInOptions): readonly AdmissionPlugin[] => [
  namespaceLifecycle, // first: nothing else matters where nothing may be created
  serviceAccountAdmission(random),
  nodeRestriction, // after ServiceAccount, whose defaults it judges
  priorityAdmission,
  defaultTolerationSeconds,
  certificateApproval(authorizer),
  certificateSigning(authorizer),
  certificateSubjectRestriction(organizationsOf),
  rbacEscalation(authorizer), // upstream's storage of roles and bindings does this, after admission
]
