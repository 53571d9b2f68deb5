/** The body of an apply request. Mirrors apiserver's handlers/patch.go (applyPatcher). */
import type { FieldValidation } from '../../decode.ts'
import { JsonSyntaxError, parseJson } from '../../json-text.ts'
import type { JsonValue } from '../../meta.ts'
import { badRequest } from '../../status.ts'
import { parseYaml, YamlSyntaxError } from '../../yaml-text.ts'

/** A configuration from YAML or JSON; keys that stand twice are refused or warned about as `fieldValidation` asks. Throws StatusError 400. */
export const parseConfiguration = (body: Uint8Array, fieldValidation: FieldValidation): { config: JsonValue; warnings: string[] } => {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')
  if (/^\s*\{/.test(text)) {
    try {
      const { value, repeated } = parseJson(text, { findRepeated: fieldValidation !== 'Ignore' })
      if (repeated.size === 0) return { config: value, warnings: [] }
    } catch (error) {
      // What is no JSON may still be YAML in braces.
      if (!(error instanceof JsonSyntaxError)) throw error
    }
  }
  try {
    const { value, repeated } = parseYaml(text)
    const message = repeated === undefined ? undefined : `error converting YAML to JSON: ${repeated}`
    if (message !== undefined && fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: ${message}`)
    return { config: value, warnings: message !== undefined && fieldValidation === 'Warn' ? [message] : [] }
  } catch (error) {
    throw error instanceof YamlSyntaxError ? badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`) : error
  }
}
