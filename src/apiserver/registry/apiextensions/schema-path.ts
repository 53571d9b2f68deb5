/** Paths as upstream's field.Path prints them. */
export const keyed = (path: string, field: string, key: string): string => `${path}.${field}[${key}]`
export const indexed = (path: string, field: string, index: number): string => `${path}.${field}[${index}]`
