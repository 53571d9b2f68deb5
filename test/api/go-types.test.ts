import { describe, expect, test } from 'vitest'
import { goType } from '../../src/api/go-types.ts'
import { typeSchema } from '../../src/api/schema.ts'

describe('as reflect prints them', () => {
  for (const [path, expected] of [
    ['DeploymentSpec.replicas', 'int32'], ['PodSpec.containers', '[]v1.Container'], ['PodSpec.restartPolicy', 'v1.RestartPolicy'], ['PodSpec.hostname', 'string'], ['ContainerPort.protocol', 'v1.Protocol'], ['ObjectMeta.uid', 'types.UID'],
    ['ObjectMeta.labels', 'map[string]string'], ['Secret.data', 'map[string][]uint8'], ['ResourceRequirements.limits', 'v1.ResourceList'], ['UserInfo.extra', 'map[string]v1.ExtraValue'], ['Capabilities.add', '[]v1.Capability'],
    ['PodSpec.hostNetwork', 'bool'], ['HorizontalPodAutoscalerSpecV2.metrics', '[]v2.MetricSpec'], ['PodSpec.nodeSelector', 'map[string]string'], ['JSONSchemaProps.maximum', 'float64'], ['DeploymentStrategy.type', 'v1.DeploymentStrategyType'],
  ] as const) test(path, () => {
    const [type = '', field = ''] = path.split('.')
    const schema = typeSchema(type).fields.get(field)
    expect(schema && goType(schema.type, path)).toBe(expected)
  })
})
