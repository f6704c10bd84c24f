/** Where the packed form of Kysely is (scripts/pack.mjs). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Named after its version: another one installed is packed anew, and never taken for this one. */
export function packedKysely() {
  const { version } = JSON.parse(
    readFileSync(new URL('../node_modules/kysely/package.json', import.meta.url)),
  )
  return {
    version,
    file: fileURLToPath(new URL(`../node_modules/.cache/suidao/kysely-${version}.mjs`, import.meta.url)),
  }
}
