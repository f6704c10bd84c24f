/** How one connection is read for its answers, whatever it is on. */
import type { Call } from '../../rpc/action.ts'
import { apiError } from '../../rpc/errors.ts'
import type { ResultValues } from '../../rpc/spec.ts'
import type { ResourceContext } from '../context.ts'
import type { describeVpnConnection } from './spec.ts'
import {
  type DescribedConnection,
  type DescribedTunnel,
  findOwnCertificate,
  prepareFindDescribed,
  prepareFindEvidence,
  prepareFindSecondTunnel,
} from './store.ts'
import { type Described, extraOf, tagsIn, view, viewCertificates } from './view.ts'

type Found = Described | undefined

export function createConnectionReader({ db, sealer, staleAfter }: ResourceContext) {
  const findDescribed = prepareFindDescribed(db)
  const findSecondTunnel = prepareFindSecondTunnel(db)
  const findEvidence = prepareFindEvidence(db)

  /** At once on SQLite: the read of one connection makes no promise on its way. */
  function find(call: Call, id: string): Found | Promise<Found> {
    const whole = (row: DescribedConnection | undefined): Found | Promise<Found> => {
      if (!row) return undefined
      if (row.dual === 0) return { row, second: undefined }
      const second = findSecondTunnel(row.id)
      return second instanceof Promise ? second.then((tunnel) => ({ row, second: tunnel })) : { row, second }
    }
    const row = findDescribed(call.principal.accountId, call.region, id)
    return row instanceof Promise ? row.then(whole) : whole(row)
  }

  async function described(call: Call, id: string): Promise<Described> {
    const found = await find(call, id)
    if (!found) throw apiError('InvalidVpnConnectionInstanceId.NotFound')
    return found
  }

  function answer(found: Described) {
    const shown: ResultValues<(typeof describeVpnConnection)['result']> = view(found, sealer)
    return Object.assign(shown, { Tags: tagsIn(found.row.tags) })
  }

  /** The extra object, only for callers who ask: of each tunnel where there are two. */
  async function extra({ row, second }: Described, call: Call) {
    const of = async (tunnel: DescribedTunnel) => ({
      ...extraOf(tunnel, await findEvidence(tunnel.tunnel_id), call.now, staleAfter),
      ...(tunnel.remote_ca_certificate && {
        Certificates: viewCertificates(
          await findOwnCertificate(db, tunnel.tunnel_id),
          tunnel.remote_ca_certificate,
        ),
      }),
    })
    if (!second) return of(row)
    const tunnels = [row, second].map(async (tunnel) => ({
      TunnelId: tunnel.tunnel_id,
      ...(await of(tunnel)),
    }))
    return { Tunnels: await Promise.all(tunnels) }
  }

  return {
    find,
    described,
    answer,
    extra,
    /** What these read with. */
    reads: [findDescribed, findSecondTunnel],
  }
}
