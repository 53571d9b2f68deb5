/** What the tables of volumes and claims have in common. Mirrors upstream's `pkg/apis/core/helper` and printers. */
import type { KubeObject } from '../../../api/meta.ts'
import { isValidQuantity, toMilli } from '../../../api/quantity.ts'
import { storageClassAnnotation } from './persistent-volume-claim-validation.ts'

export const unset = '<unset>'

const short: Readonly<Record<string, string>> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }

/** `RWO,RWX`, in upstream's order, each once. */
export const accessModesText = (modes: readonly string[] | undefined): string => Object.keys(short).filter((mode) => modes?.includes(mode)).map((mode) => short[mode]).join(',')

/** The class that a volume or claim is of; the annotation of old counts first. */
export const storageClassOf = ({ metadata, spec }: KubeObject & { spec: { storageClassName?: string | undefined } }): string => metadata.annotations?.[storageClassAnnotation] ?? spec.storageClassName ?? ''

/** `Terminating` while somebody waits for its end. */
export const phaseOf = ({ metadata, status }: KubeObject & { status: { phase?: string | undefined } }): string => (metadata.deletionTimestamp === undefined ? status.phase ?? '' : 'Terminating')

/** Bytes cannot be split. */
export const fractionWarnings = (path: string, size: string | undefined): string[] =>
  (size !== undefined && isValidQuantity(size) && toMilli(size) % 1000n !== 0n ? [`${path}: fractional byte value ${JSON.stringify(size)} is invalid, must be an integer`] : [])

export const classAnnotationWarnings = ({ metadata }: KubeObject): string[] =>
  (metadata.annotations?.[storageClassAnnotation] === undefined ? [] : [`metadata.annotations[${storageClassAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`])
