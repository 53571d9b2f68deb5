/** Image references, as far as the API server looks into them. Mirrors upstream's `pkg/util/parsers` (ParseImageName) and distribution's reference grammar. */

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const domain = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?'
const reference = new RegExp(`^(?:${domain}/)?${component}(?:/${component})*(?::([\\w][\\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`)

/** The tag of an image: `latest` when neither tag nor digest is given, '' when only a digest is given or the reference is not valid. */
export const imageTag = (image: string): string => {
  const match = reference.exec(image)
  if (!match) return ''
  const [, tag = '', digest = ''] = match
  return tag || digest ? tag : 'latest'
}

/** `Always` for `latest`, else `IfNotPresent`. */
export const defaultPullPolicy = (image: string): string => (imageTag(image) === 'latest' ? 'Always' : 'IfNotPresent')
