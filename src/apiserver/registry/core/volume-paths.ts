/** Paths inside of volumes and mounts. Mirrors validateLocalDescendingPath and its neighbours in upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'

export const checkNoBacksteps = (path: string, target: string): FieldError[] => (target.split('/').includes('..') ? [fieldError.invalid(path, target, "must not contain '..'")] : [])

/** Relative, and never upwards. */
export const checkDescendingPath = (path: string, target: string): FieldError[] => [
  ...(target.startsWith('/') ? [fieldError.invalid(path, target, 'must be a relative path')] : []),
  ...checkNoBacksteps(path, target),
]

/** Besides, not one of the names that begin with `..`, which atomic updates of volumes use. */
export const checkNonReservedPath = (path: string, target: string): FieldError[] => [
  ...checkDescendingPath(path, target),
  ...(target.startsWith('..') && !target.startsWith('../') && target !== '..' ? [fieldError.invalid(path, target, "must not start with '..'")] : []),
]

/** The mode of a file: 0 to 0777. */
export const checkFileMode = (path: string, mode: number | undefined): FieldError[] =>
  (mode !== undefined && (mode < 0 || mode > 0o777) ? [fieldError.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')] : [])
