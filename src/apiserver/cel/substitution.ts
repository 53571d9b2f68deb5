/** What stands for type parameters, found by comparing types. Mirrors cel-go's `checker/types.go` and `checker/mapping.go`. */
import { type CelType, dyn, isDynamic, listOf, mapOf, optionalOf, typeOf } from './types.ts'

/** Whether the types are the same, down to their parameters. */
export const sameType = (a: CelType, b: CelType): boolean => {
  if (a === b) return true
  if (a.kind === 'list' || a.kind === 'optional') return a.kind === b.kind && sameType(a.of, b.of)
  if (a.kind === 'map') return b.kind === 'map' && sameType(a.key, b.key) && sameType(a.value, b.value)
  if (a.kind === 'type') return b.kind === 'type' && (a.of === b.of || (a.of !== undefined && b.of !== undefined && sameType(a.of, b.of)))
  if (a.kind === 'param' || a.kind === 'object' || a.kind === 'opaque') return a.kind === b.kind && a.name === b.name
  return a.kind === b.kind
}

const takesNull: ReadonlySet<CelType['kind']> = new Set(['null', 'optional', 'opaque', 'duration', 'timestamp', 'object'])

const inner = (type: CelType): readonly CelType[] => {
  switch (type.kind) {
    case 'list': case 'optional': return [type.of]
    case 'map': return [type.key, type.value]
    case 'type': return type.of ? [type.of] : []
    default: return []
  }
}

/** Whether `a` is as general as `b` or more so. */
const isAsGeneral = (a: CelType, b: CelType): boolean => {
  if (isDynamic(a) || a.kind === 'param') return true
  if (isDynamic(b) || b.kind === 'param') return false
  if (a.kind === 'null') return b.kind === 'null'
  const left = inner(a)
  const right = inner(b)
  return a.kind === b.kind && left.every((type, index) => isAsGeneral(type, right[index] ?? dyn))
}

export const mostGeneral = (a: CelType, b: CelType): CelType => (isAsGeneral(a, b) ? a : b)

export class Substitution {
  private found = new Map<string, CelType>()
  private fresh = 0

  newVariable(): CelType {
    this.fresh += 1
    return { kind: 'param', name: `_var${this.fresh}` }
  }

  /** The signature's types, its parameters renamed so that they mean this call only. */
  instantiate(types: readonly CelType[]): CelType[] {
    const names = new Map<string, CelType>()
    const renamed = (type: CelType): CelType => {
      if (type.kind !== 'param') return rebuild(type, renamed)
      const known = names.get(type.name) ?? this.newVariable()
      names.set(type.name, known)
      return known
    }
    return types.map(renamed)
  }

  /** Whether every source may be used as its target; what that tells about parameters is kept only if so. */
  assignAll(targets: readonly CelType[], sources: readonly CelType[]): boolean {
    const before = this.found
    this.found = new Map(before)
    const fits = targets.length === sources.length && targets.every((target, index) => this.fits(target, sources[index] ?? dyn))
    if (!fits) this.found = before
    return fits
  }

  assign(target: CelType, source: CelType): boolean { return this.assignAll([target], [source]) }

  /** The type with what is known put in; `parametersToDyn`: what is not known becomes dyn. */
  apply(type: CelType, parametersToDyn: boolean): CelType {
    if (type.kind !== 'param') return rebuild(type, (part) => this.apply(part, parametersToDyn))
    const known = this.found.get(type.name)
    return known ? this.apply(known, parametersToDyn) : parametersToDyn ? dyn : type
  }

  private fits(target: CelType, source: CelType): boolean {
    if (source.kind === 'param') {
      const { valid, known } = this.mayStandFor(target, source.name)
      if (valid) return true
      if (known) return false
    }
    if (target.kind === 'param') return this.mayStandFor(source, target.name).valid
    if (isDynamic(target) || isDynamic(source)) return true
    if (target.kind === 'null') return takesNull.has(source.kind)
    if (source.kind === 'null') return takesNull.has(target.kind)
    if (target.kind === 'type') return source.kind === 'type'
    const left = inner(target)
    if (left.length === 0) return sameType(target, source)
    const right = inner(source)
    return target.kind === source.kind && left.every((type, index) => this.fits(type, right[index] ?? dyn))
  }

  private mayStandFor(type: CelType, parameter: string): { valid: boolean; known: boolean } {
    if (type.kind === 'param' && type.name === parameter) return { valid: true, known: true }
    const known = this.found.get(parameter)
    if (known) {
      if (sameType(type, known)) return { valid: true, known: true }
      if (!this.fits(type, known)) return { valid: false, known: true }
      const general = mostGeneral(type, known)
      if (!this.mentions(general, parameter)) this.found.set(parameter, general)
      return { valid: true, known: true }
    }
    if (this.mentions(type, parameter)) return { valid: false, known: false }
    this.found.set(parameter, type)
    return { valid: true, known: false }
  }

  private mentions(type: CelType, parameter: string): boolean {
    if (type.kind !== 'param') return inner(type).some((part) => this.mentions(part, parameter))
    const known = this.found.get(type.name)
    return type.name === parameter || (known !== undefined && this.mentions(known, parameter))
  }
}

const rebuild = (type: CelType, change: (part: CelType) => CelType): CelType => {
  switch (type.kind) {
    case 'list': return listOf(change(type.of))
    case 'optional': return optionalOf(change(type.of))
    case 'map': return mapOf(change(type.key), change(type.value))
    case 'type': return type.of ? typeOf(change(type.of)) : type
    default: return type
  }
}
