/** Word that something changed, for browsers that watch. A lost message costs them time, no more: they ask again anyway. */
import type { Database } from '../db/open.ts'

export interface Owner {
  readonly accountId: string
  readonly region: string
}

export interface Change extends Owner {
  readonly kind: 'connection' | 'gateway'
  readonly id: string
}

export interface ChangeFeed {
  /** Keys as actions and reconcile name them: `gateway:<id>`, `connection:<id>`, or `tunnel:<id>` for its connection. */
  publish(keys: readonly string[], owner: Owner): void
  /** @returns the end of it */
  subscribe(listener: (change: Change) => void): () => void
}

export function createChangeFeed(db: Database): ChangeFeed {
  const listeners = new Set<(change: Change) => void>()
  const findTunnel = db.prepared((q, id: string) =>
    q.selectFrom('vpn_tunnel').select('connection_id').where('id', '=', id),
  )
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change)
  }
  return {
    publish(keys, owner) {
      if (listeners.size === 0) return
      for (const key of keys) {
        const [kind, id] = key.split(':') as [string, string]
        if (kind === 'gateway' || kind === 'connection') tell({ kind, id, ...owner })
        // Gone already when it cannot be found: then its removal is told.
        else
          Promise.resolve(findTunnel(id)).then(
            (row) => row && tell({ kind: 'connection', id: row.connection_id, ...owner }),
            () => undefined,
          )
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
