/** The types of aggregated servers, for the OpenAPI documents. */
import type { OtherTypes } from '../openapi/openapi.ts'
import type { Aggregation } from './aggregation.ts'

export const otherTypes = ({ openapi: { paths, definitions, generation }, handle }: Aggregation): OtherTypes => ({ paths, definitions, generation, handle })
