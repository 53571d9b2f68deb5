/** Mirrors upstream's `pkg/apis/resource/v1/defaults.go`. */
import type { DeviceClaim, DeviceSubRequest, DeviceToleration, ExactDeviceRequest } from '../../../api/types.ts'

export const setTolerationDefaults = (tolerations: readonly DeviceToleration[] | undefined): void => {
  for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal'
}

const setWantedDefaults = (wanted: ExactDeviceRequest | DeviceSubRequest): void => {
  wanted.allocationMode ||= 'ExactCount'
  if (wanted.allocationMode === 'ExactCount' && !wanted.count) wanted.count = 1
  setTolerationDefaults(wanted.tolerations)
}

export const setDeviceClaimDefaults = ({ requests = [] }: DeviceClaim): void => {
  for (const { exactly, firstAvailable = [] } of requests) {
    if (exactly) setWantedDefaults(exactly)
    firstAvailable.forEach(setWantedDefaults)
  }
}
