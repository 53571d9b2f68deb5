/** Upstream's own data files of v1.36, where they are at hand: $WHERRY_ORACLE, or `shared/kubernetes-1.36` beside the project. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { sayWhatIsSkipped } from './skipped.ts'

const folder = process.env['WHERRY_ORACLE'] ?? path.join(import.meta.dirname, '../../../shared/kubernetes-1.36')

export const hasOracle = existsSync(path.join(folder, 'swagger.json'))
sayWhatIsSkipped("comparison with upstream's data files", !hasOracle, `none at ${folder} (set WHERRY_ORACLE)`)

/** A file of the oracle as JSON. */
export const oracle = <T>(file: string): T => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as T

/** The names of the oracle's files in a folder. */
export const oracleFiles = (name: string): string[] => readdirSync(path.join(folder, name)).map((file) => path.join(name, file))

/** A file of the oracle as it is. */
export const oracleText = (file: string): string => readFileSync(path.join(folder, file), 'utf8')
