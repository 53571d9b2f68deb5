/** Wherry's own version, and the Kubernetes version whose API it serves. */
export const wherryVersion = '0.1.0'
export const kubernetesVersion = 'v1.36.0'
