/** Behaviours that need no pod, on one cluster. */
import { conformance } from '../support/conformance.ts'
import { accounts } from './accounts.ts'
import { admission } from './admission.ts'
import { devices } from './devices.ts'
import { discovery } from './discovery.ts'
import { fieldValidation } from './field-validation.ts'
import { namespaces } from './namespaces.ts'
import { storage } from './storage.ts'

conformance('api.test.ts', { single: true }, (behaviour) => {
  for (const area of [accounts, admission, devices, discovery, fieldValidation, namespaces, storage]) area(behaviour)
})
