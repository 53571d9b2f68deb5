/** Patterns of image names, as `wherry image map` takes them: `nginx:*`, `registry.example/team/*`. Pure. */

/** With registry and path, as parseReference writes names: one without a registry is Docker Hub's, and one without tag or digest means every tag. undefined: no pattern. */
export const fullPattern = (pattern: string): string | undefined => {
  if (!/^[\w.:/*@-]+$/.test(pattern)) return undefined
  const [first = '', ...rest] = pattern.split('/')
  const hub = rest.length === 0 ? `library/${pattern}` : /[.:*]/.test(first) || first === 'localhost' ? undefined : pattern
  const named = (hub === undefined ? pattern : `docker.io/${hub}`).replace(/^index\.docker\.io\//, 'docker.io/')
  // `docker.io/nginx` is the library's; `docker.io/*` is all that there is.
  const full = named.replace(/^docker\.io\/([^/*][^/]*)$/, 'docker.io/library/$1')
  return /[:@][^/]*$/.test(full) || full.endsWith('*') ? full : `${full}:*`
}
