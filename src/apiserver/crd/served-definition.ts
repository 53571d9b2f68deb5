/** One definition as it is served: its instances' caches and the resources of its versions. */
import { deepEqual } from '../../api/equal.ts'
import type { Kind } from '../../api/kinds.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../api/types.ts'
import type { ResourceTable, StoredResource, StoredVersion } from '../resource-table.ts'
import { encodingOf } from '../watch-cache/cached-object.ts'
import { type ConvertObjects, reader, type Versions, writer } from './convert.ts'
import { customKind, versionSchema } from './custom-kind.ts'
import { type CheckRules, customStrategy } from './custom-strategy.ts'
import { RawCache } from './raw-cache.ts'
import type { Structural } from './schema/structural.ts'
import { VersionCache } from './version-cache.ts'

export interface ServingParts {
  resources: ResourceTable
  monotonic(): number
  /** The webhook of a definition whose versions are converted by one. */
  webhook(definition: CustomResourceDefinition): ConvertObjects
  /** The rules of a schema, compiled. */
  rules(schema: Structural): CheckRules | undefined
}

interface Version { version: CustomResourceDefinitionVersion; schema: Structural; kind: Kind; cache: VersionCache; resource: StoredResource }

/** Whether two states of a definition are served in the same way. */
const sameServing = (left: CustomResourceDefinition, right: CustomResourceDefinition): boolean =>
  deepEqual(left.spec, right.spec) && deepEqual(left.status.acceptedNames, right.status.acceptedNames)

export class ServedDefinition {
  readonly raw: RawCache
  /** Of the definition. */
  readonly uid: string
  private readonly parts: ServingParts
  private definition: CustomResourceDefinition | undefined
  private versions = new Map<string, Version>()
  private terminating = false
  private stopWaiting: (() => void) | undefined

  constructor(definition: CustomResourceDefinition, parts: ServingParts) {
    this.parts = parts
    this.uid = definition.metadata.uid
    const [first] = definition.spec.versions
    this.raw = new RawCache(customKind(definition, first as CustomResourceDefinitionVersion, versionSchema(first as CustomResourceDefinitionVersion)))
    for (const { name } of definition.spec.versions) this.raw.encodingFor(name)
  }

  /** The version that is stored, whether it is served or not: how the instances are deleted. */
  get storage(): StoredResource | undefined { return [...this.versions.values()].find(({ version }) => version.storage)?.resource }

  /** Calls once, when the last instance has gone. */
  whenEmpty(tell: () => void): void {
    this.stopWaiting?.()
    const told = (): void => {
      if (this.raw.size > 0) return
      this.stopWaiting?.()
      tell()
    }
    this.stopWaiting = this.raw.follow({ change: told, reset: told })
  }

  /** Serves what the definition says now. The raw cache must be filled. */
  serve(definition: CustomResourceDefinition): void {
    this.terminating = definition.metadata.deletionTimestamp !== undefined
    if (this.definition && sameServing(this.definition, definition)) return
    this.definition = definition
    const old = this.versions
    this.versions = this.make(definition, old)
    for (const [name, { kind, cache }] of old) {
      if (this.versions.has(name)) continue
      this.parts.resources.remove(kind)
      cache.close()
    }
    for (const { version, kind, resource } of this.versions.values()) {
      if (version.served) this.parts.resources.add({ stored: resource })
      else this.withdraw(kind)
    }
  }

  private withdraw(kind: Kind): void {
    if (!this.parts.resources.find(kind.group, kind.version, kind.plural)) return
    this.parts.resources.remove(kind)
    this.versions.get(kind.version)?.cache.expire()
  }

  private make(definition: CustomResourceDefinition, old: ReadonlyMap<string, Version>): Map<string, Version> {
    const { spec } = definition
    const schemas = new Map(spec.versions.map((version) => [version.name, versionSchema(version)]))
    const webhook = spec.conversion?.strategy === 'Webhook' ? this.parts.webhook(definition) : undefined
    const all: Versions = { group: spec.group, schemas, webhook }
    const kinds = new Map(spec.versions.map((version) => [version.name, customKind(definition, version, schemas.get(version.name) as Structural)]))
    const stored = spec.versions.find(({ storage }) => storage) ?? spec.versions[0]
    const storageKind = kinds.get(stored?.name ?? '') as Kind
    const storing: StoredVersion = { encoding: this.raw.encodingFor(storageKind.version), toStorage: writer(storageKind, all), sameObjects: this.raw }
    return new Map(spec.versions.map((version): [string, Version] => {
      const [schema, kind] = [schemas.get(version.name) as Structural, kinds.get(version.name) as Kind]
      const read = reader(kind, all, encodingOf(kind))
      const cache = old.get(version.name)?.cache ?? new VersionCache(kind, { raw: this.raw, read, lazy: webhook !== undefined, monotonic: () => this.parts.monotonic() })
      if (old.has(version.name)) cache.readWith(read)
      const strategy = customStrategy({ kind, version, schema, checkRules: this.parts.rules(schema), terminating: () => this.terminating })
      return [version.name, { version, schema, kind, cache, resource: { kind, strategy, cache, view: undefined, version: webhook ? { ...storing, fromAny: writer(kind, all) } : storing, ttlSeconds: undefined } }]
    }))
  }

  close(): void {
    this.stopWaiting?.()
    for (const { kind, cache } of this.versions.values()) {
      this.parts.resources.remove(kind)
      cache.close()
    }
    this.versions = new Map()
  }
}
