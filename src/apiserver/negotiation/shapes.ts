/** Which shapes a resource is shown in. */
import type { Kind } from '../../api/kinds.ts'
import { type AllowedShapes, listShapes, objectShapes, plainShape, textListShapes, textObjectShapes, textShape } from './accept.ts'
import { hasProtobuf } from './protobuf.ts'

export const objectShapesOf = (kind: Kind): AllowedShapes => (hasProtobuf(kind) ? objectShapes : textObjectShapes)
export const listShapesOf = (kind: Kind): AllowedShapes => (hasProtobuf(kind) ? listShapes : textListShapes)
/** Of answers that are no tables: what is computed. */
export const answerShapesOf = (kind: Pick<Kind, 'group' | 'version' | 'kind'>): AllowedShapes => (hasProtobuf(kind) ? plainShape : textShape)
