/** `suidao peer-config`: a connection as the text that its device at the other end needs, straight from the store. */
import { peerFormats } from '../resources/peer-config/formats.ts'
import type { PeerSettings } from '../resources/peer-config/model.ts'
import { findPeerRows, peerSettings } from '../resources/peer-config/store.ts'
import { positionals, runVerb, type Verbs } from './store.ts'
import { type Invocation, UsageError } from './terminal.ts'

export const runPeerConfig = (invocation: Invocation): Promise<number> =>
  runVerb('peer-config', verbs, undefined, invocation)

const verbOf =
  (format: string, render: (settings: PeerSettings) => string): Verbs[string] =>
  (args, terminal) => {
    const [id] = positionals(args, `peer-config ${format} <connection>`, 1)
    return async ({ db, sealer }) => {
      const rows = await findPeerRows(db.kysely, id!)
      if (!rows) throw new UsageError(`there is no connection ${id}`)
      terminal.print(render(peerSettings(rows, sealer)).trimEnd())
    }
  }

const verbs: Verbs = Object.fromEntries(
  Object.entries(peerFormats).map(([format, render]) => [format, verbOf(format, render)]),
)
