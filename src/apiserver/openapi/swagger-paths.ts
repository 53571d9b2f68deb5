/** Paths of OpenAPI v3 in the words of version 2. Mirrors kube-openapi's `pkg/builder`. Pure. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { openapi2, openapi3 } from './definitions.ts'

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const objects = (value: JsonValue | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

const parameter = ({ schema, ...rest }: JsonObject): JsonObject => ({ ...rest, ...(isObject(schema) && schema) })

const schemaIn = (schema: JsonValue | undefined): JsonObject => {
  if (!isObject(schema)) return {}
  const reference = schema['$ref']
  return typeof reference === 'string' ? { $ref: reference.replace(openapi3.prefix, openapi2.prefix) } : schema
}
const mediaOf = (holder: JsonValue | undefined): JsonObject => (isObject(holder) && isObject(holder['content']) ? holder['content'] : {})
const schemaOf = (holder: JsonValue | undefined): JsonObject | undefined => {
  const [first] = Object.values(mediaOf(holder))
  return isObject(first) ? schemaIn(first['schema']) : undefined
}

const response = (each: JsonValue | undefined): JsonValue => {
  if (!isObject(each)) return {}
  const schema = schemaOf(each)
  return { ...(each['description'] !== undefined && { description: each['description'] }), ...(schema && { schema }) }
}

const operation = (given: JsonObject): JsonObject => {
  const { requestBody, responses, parameters, ...rest } = given
  const body = schemaOf(requestBody)
  const all = [...(body ? [{ in: 'body', name: 'body', schema: body, ...(isObject(requestBody) && requestBody['required'] === true && { required: true }) }] : []), ...objects(parameters).map(parameter)]
  const answers = isObject(responses) ? responses : {}
  // What is no object (the log of a pod, conversations) is taken as it comes.
  const plain = given['x-kubernetes-action'] === undefined
  const consumes = body ? Object.keys(mediaOf(requestBody)) : plain ? Object.keys(mediaOf(answers['200'])) : ['*/*']
  const text = plain && schemaOf(answers['200'])?.['type'] === 'string'
  return {
    ...rest, ...(!text && { consumes }), produces: Object.keys(mediaOf(answers['200'])), schemes: ['https'], ...(all.length > 0 && { parameters: all }),
    responses: Object.fromEntries(Object.entries(answers).map(([code, each]) => [code, response(each)])),
  }
}

export const swaggerPaths = (paths: JsonObject): JsonObject => Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, Object.fromEntries(Object.entries(isObject(item) ? item : {}).map(([key, value]): [string, JsonValue] =>
  (key === 'parameters' ? [key, objects(value).map(parameter)] : [key, operation(isObject(value) ? value : {})])))]))
