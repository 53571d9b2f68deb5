/**
 * Makes the API's types and schema from the pinned `@kubernetes/client-node` (its model classes are generated from
 * upstream's OpenAPI of the same release). Run by the set-up step; the `*.gen.*` files that it writes are never committed.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** One field of a model: its TypeScript type in client-node's spelling, OpenAPI format, and whether it is required. */
interface ModelField {
  name: string
  type: string
  format: string
  required: boolean
  description: string
}

interface Model {
  /** Our name for the type: `Pod`, `EventsEvent`. */
  name: string
  /** client-node's name: `V1Pod`, `EventsV1Event`. */
  className: string
  description: string
  fields: ModelField[]
}

const here = path.dirname(fileURLToPath(import.meta.url))
const modelsFolder = path.join(here, '../../node_modules/@kubernetes/client-node/dist/gen/models')

/** `V1Pod` → `Pod`, `CoreV1Event` → `Event`, `EventsV1Event` → `EventsEvent`, `V2MetricSpec` → `MetricSpecV2`. */
export const typeName = (className: string): string => {
  const [, group = '', version = '', name = ''] = /^([A-Z][a-z]+)?V(\d)([A-Z].*)$/.exec(className) ?? ['', '', '', className]
  const prefix = group === 'Core' || group === 'Rbac' ? '' : group
  return `${prefix}${name}${version === '2' ? 'V2' : ''}`
}

const commentBefore = (source: string, marker: number): string => {
  const end = source.lastIndexOf('*/', marker)
  const start = source.lastIndexOf('/**', end)
  return source.slice(start + 3, end).replaceAll(/\n\s*\* ?/g, ' ').replaceAll("\\'", "'").replaceAll('\\"', '"').replaceAll('*_/', '*/').trim()
}

const readModel = async (file: string): Promise<Model | undefined> => {
  const className = path.basename(file, '.d.ts')
  const source = await readFile(path.join(modelsFolder, file), 'utf8')
  const module: Record<string, { attributeTypeMap?: { baseName: string; type: string; format: string; name: string }[] }> =
    await import(pathToFileURL(path.join(modelsFolder, `${className}.js`)).href)
  const attributes = module[className]?.attributeTypeMap
  if (!attributes) return undefined
  const fields = attributes.map(({ name, baseName, type, format }): ModelField => {
    const at = source.search(new RegExp(`^    '${name}'\\??:`, 'm'))
    const previous = source.lastIndexOf('\n', at - 1)
    const documented = source.slice(0, previous + 1).trimEnd().endsWith('*/')
    return {
      name: baseName, type, format,
      required: source.startsWith(`    '${name}':`, at),
      description: documented ? commentBefore(source, at) : '',
    }
  })
  return { name: typeName(className), className, fields, description: commentBefore(source, source.indexOf('export declare class')) }
}

const readModels = async (): Promise<Model[]> => {
  const files = (await readdir(modelsFolder)).filter((file) => /^(?!all|ObjectSerializer|VersionInfo).*\.d\.ts$/.test(file)).sort()
  const models = await Promise.all(files.map(readModel))
  // A leftover of an older release stands beside its successor once (V1ResourceClaim, CoreV1ResourceClaim): the successor sorts first.
  return models.filter((model, index) => model !== undefined && models.findIndex((other) => other?.name === model.name) === index) as Model[]
}

const scalarTypes: Record<string, string> = {
  string: 'string', number: 'number', boolean: 'boolean', any: 'JsonValue', Date: 'string', V1MicroTime: 'string', IntOrString: 'number | string', Buffer: 'string',
}

const typescriptType = (type: string): string => {
  const array = /^Array<(.*)>$/.exec(type)?.[1]
  if (array) return `Array<${typescriptType(array)}>`
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1]
  if (map) return `Record<string, ${typescriptType(map)}>`
  return scalarTypes[type] ?? typeName(type)
}

const isObject = (model: Model): boolean => model.fields.some(({ name }) => name === 'kind') && model.fields.some(({ name, type }) => name === 'metadata' && type === 'V1ObjectMeta')

/** Top-level objects always carry metadata, spec and status once they have been decoded; everything else is as upstream marks it. */
const renderInterface = (model: Model): string => {
  const object = isObject(model)
  const lines = model.fields.map((field) => {
    const present = field.required || (object && ['metadata', 'spec', 'status'].includes(field.name))
    const type = object && field.name === 'metadata' ? 'Metadata' : typescriptType(field.type)
    return `  ${JSON.stringify(field.name)}${present ? '' : '?'}: ${type}${present ? '' : ' | undefined'}`
  })
  return `export interface ${model.name} {\n${lines.join('\n')}\n}`
}

const renderTypes = (models: Model[]): string => [
  'import type { JsonValue, Metadata } from "../meta.ts"',
  ...models.filter(({ className }) => !(className in scalarTypes)).map(renderInterface),
].join('\n\n')

const schemaScalars: Record<string, string> = {
  string: 'string', boolean: 'boolean', any: 'any', Date: 'time', V1MicroTime: 'microtime', IntOrString: 'int-or-string', 'string/byte': 'bytes', 'number/int32': 'int32', 'number/int64': 'int64', 'number/double': 'double',
}

/** `[]X` for lists, `{}X` for maps, a scalar, or the name of a type. */
const schemaType = (type: string, format: string): string => {
  const items = /^Array<(.*)>$/.exec(type)?.[1]
  if (items) return `[]${schemaType(items, format)}`
  const values = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1]
  if (values) return `{}${schemaType(values, format)}`
  return schemaScalars[`${type}/${format}`] ?? schemaScalars[type] ?? typeName(type)
}

/** The schema of a type: `ClassName|field:type|required!:type`. One string each, since thousands of small objects would take ten milliseconds to load. */
const renderSchema = (models: Model[]): string => JSON.stringify(Object.fromEntries(models.map(({ name, className, fields }) => [name,
  [className, ...fields.map((field) => `${field.name}${field.required ? '!' : ''}:${schemaType(field.type, field.format)}`)].join('|')])))

const renderDescriptions = (models: Model[], parameters: Record<string, ParameterDescriptions>): string => JSON.stringify({
  ...Object.fromEntries(models.map((model) => [model.name, {
    description: model.description, fields: Object.fromEntries(model.fields.map(({ name, description }) => [name, description])),
  }])),
  ...parameters,
})

interface ParameterDescriptions { description: string; fields: Record<string, string> }

/** Operations whose query parameters are described, by the names that src/apiserver/openapi/parameters.ts has for them. */
const describedOperations: Readonly<Record<string, string>> = {
  list: 'listNamespacedPod', write: 'createNamespacedPod', patch: 'patchNamespacedPod', delete: 'deleteNamespacedPod', log: 'readNamespacedPodLog', PodAttachOptions: 'connectGetNamespacedPodAttach',
  PodExecOptions: 'connectGetNamespacedPodExec', PodPortForwardOptions: 'connectGetNamespacedPodPortforward', PodProxyOptions: 'connectGetNamespacedPodProxy',
  ServiceProxyOptions: 'connectGetNamespacedServiceProxy', NodeProxyOptions: 'connectGetNodeProxy',
}

const entities: Readonly<Record<string, string>> = { '&#39;': "'", '&quot;': '"', '&#x60;': '`', '&#x3D;': '=', '&lt;': '<', '&gt;': '>', '&amp;': '&' }
const plainText = (text: string): string => text.replaceAll(/\\?(&#39;|&quot;|&#x60;|&#x3D;|&lt;|&gt;|&amp;)/g, (_, entity: string) => entities[entity] ?? entity)

/** What client-node's methods say of their parameters: `parameters of list` and so on, beside the types. */
const readParameters = async (): Promise<Record<string, ParameterDescriptions>> => {
  const source = await readFile(path.join(modelsFolder, '../apis/CoreV1Api.d.ts'), 'utf8')
  return Object.fromEntries(Object.entries(describedOperations).map(([name, method]) => {
    const comment = commentBefore(source, source.indexOf(`    ${method}(`))
    const fields = comment.split(' @param ').slice(1).filter((each) => each.trim().includes(' ')).map((each): [string, string] => [each.slice(0, each.indexOf(' ')).replace(/^_/, ''), plainText(each.slice(each.indexOf(' ') + 1)).trim()])
    return [`parameters of ${name}`, { description: '', fields: Object.fromEntries(fields) }]
  }))
}

/** The generated files, by name, as text. */
export const generate = async (): Promise<Record<string, string>> => {
  const models = await readModels()
  return { 'types.gen.ts': `${renderTypes(models)}\n`, 'schema.gen.json': renderSchema(models), 'descriptions.gen.json': renderDescriptions(models, await readParameters()) }
}

if (import.meta.main) {
  const folder = path.join(here, 'generated')
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(await generate())) await writeFile(path.join(folder, name), text)
}
