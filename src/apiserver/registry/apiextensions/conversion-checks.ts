/** spec.conversion of a definition. Paths are those of upstream's internal version, which its errors show. Mirrors validateCustomResourceConversion. */
import { isDns1035Label } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CustomResourceConversion } from '../../../api/types.ts'
import type { WebhookClientConfig } from '../../outbound/call-target.ts'
import { checkClientConfig } from '../admissionregistration/webhook-client-config-validation.ts'
import { checkOneOf, invalids } from '../field-checks.ts'

const understood = ['v1', 'v1beta1']

const checkReviewVersions = (versions: readonly string[], path: string): FieldError[] => {
  if (versions.length === 0) return [fieldError.required(path)]
  return [
    ...versions.flatMap((version, index) => (versions.indexOf(version) < index ? [fieldError.invalid(`${path}[${index}]`, version, 'duplicate version')] : invalids(`${path}[${index}]`, version, isDns1035Label(version)))),
    ...(versions.some((version) => understood.includes(version)) ? [] : [fieldError.invalid(path, versions, `must include at least one of ${understood.join(', ')}`)]),
  ]
}

const isPem = (caBundle: string): boolean => Buffer.from(caBundle, 'base64').toString().includes('-----BEGIN CERTIFICATE-----')

/** `established`: from then on the authorities must be readable. */
export const checkConversion = (conversion: CustomResourceConversion | undefined, path: string, established: boolean): FieldError[] => {
  if (!conversion) return []
  const { strategy, webhook } = conversion
  const strategyErrors = checkOneOf(`${path}.strategy`, strategy, ['None', 'Webhook'])
  const config = webhook?.clientConfig as WebhookClientConfig | undefined
  const versions = webhook?.conversionReviewVersions ?? []
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook'
    return [...strategyErrors, ...(config ? [fieldError.forbidden(`${path}.webhookClientConfig`, why)] : []), ...(versions.length > 0 ? [fieldError.forbidden(`${path}.conversionReviewVersions`, why)] : [])]
  }
  const at = `${path}.webhookClientConfig`
  return [
    ...strategyErrors, ...(config ? checkClientConfig(at, config) : [fieldError.required(at, 'required when strategy is set to Webhook')]),
    ...(established && config?.caBundle && !isPem(config.caBundle) ? [fieldError.invalid(`${at}.caBundle`, '<redacted>', 'unable to load root certificates: unable to parse bytes as PEM block')] : []),
    ...checkReviewVersions(versions, `${path}.conversionReviewVersions`),
  ]
}
