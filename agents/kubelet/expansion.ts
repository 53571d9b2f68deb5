/** `$(NAME)` in environment values, commands and arguments. Mirrors third_party/forked/golang/expansion: `$$` is a dollar sign, unknown names stay as they are. */
export const expand = (text: string, valueOf: (name: string) => string | undefined): string =>
  text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (reference, name: string | undefined) => (name === undefined ? '$' : (valueOf(name) ?? reference)))
