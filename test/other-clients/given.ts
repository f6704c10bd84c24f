/**
 * What the clients have given that no package registry has: kept in given.json for docs/fidelity.md, as not every machine
 * can run them. A run of their tests holds it true, and with RECORD_GIVEN=yes writes it anew (npm run format follows).
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('given.json', import.meta.url)

/** Paths of parameters by client and action. */
export type Given = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

export const readGiven = (): Given => JSON.parse(readFileSync(file, 'utf8'))

/** Parameters of the protocol, which belong to no action. */
const protocol = new Set(
  [
    'AccessKeyId',
    'Action',
    'Format',
    'Signature',
    'SignatureMethod',
    'SignatureNonce',
    'SignatureType',
  ].concat(['SignatureVersion', 'Timestamp', 'Version']),
)

/** @throws when the client has given less than is kept of it */
export function holdGiven(client: string, heard: ReadonlyMap<string, ReadonlySet<string>>): void {
  const found = Object.fromEntries(
    [...heard]
      .map(([action, paths]) => [action, [...paths].filter((path) => !protocol.has(path)).sort()] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )
  if (process.env.RECORD_GIVEN) {
    writeFileSync(file, `${JSON.stringify({ ...readGiven(), [client]: found }, null, 2)}\n`)
    return
  }
  for (const [action, paths] of Object.entries(readGiven()[client] ?? {})) {
    const missing = paths.filter((path) => !found[action]?.includes(path))
    assert.deepEqual(missing, [], `${client} has not given these to ${action}`)
  }
}
