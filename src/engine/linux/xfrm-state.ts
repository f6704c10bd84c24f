/**
 * SAs in the kernel that no daemon knows any more: they outlive a charon that dies, and carry traffic until the new
 * one has negotiated others in their place.
 */
import { ip, ipBatch } from './namespace.ts'

export interface XfrmState {
  readonly source: string
  readonly destination: string
  /** With 0x. */
  readonly spi: string
  /** What the two directions of one CHILD_SA have in common. */
  readonly reqid: string
  /** Number of the xfrm interface, or the mark: what ties it to a tunnel. 0 for neither. */
  readonly carrier: number
  /** It is found by its mark only. */
  readonly isMarked: boolean
}

/** Reads `ip xfrm state`, which has no JSON form: a line for each SA, and indented ones about it. */
export function parseXfrmStates(text: string): XfrmState[] {
  return text
    .split(/\n(?=\S)/)
    .map((entry) => {
      const [, source, destination] = /^src (\S+) dst (\S+)/.exec(entry) ?? []
      const [, spi, reqid] = /\sproto esp spi (0x[0-9a-f]+) reqid (\d+)/.exec(entry) ?? []
      const interfaceNumber = /\sif_id (0x[0-9a-f]+)/.exec(entry)?.[1]
      const mark = /\smark (0x[0-9a-f]+)/.exec(entry)?.[1]
      return {
        source,
        destination,
        spi,
        reqid,
        carrier: Number(interfaceNumber ?? mark ?? 0),
        isMarked: mark !== undefined,
      }
    })
    .filter((state): state is XfrmState => state.spi !== undefined && Number(state.spi) !== 0)
}

/** The SAs of one tunnel. A mark stands at the outbound one of a pair only. */
export function statesOfCarrier(states: readonly XfrmState[], carrier: number): XfrmState[] {
  const own = states.filter((state) => state.carrier === carrier)
  const reqids = new Set(own.map((state) => state.reqid))
  return states.filter(
    (state) => state.carrier === carrier || (state.carrier === 0 && reqids.has(state.reqid)),
  )
}

export const listXfrmStates = async (netns: string): Promise<XfrmState[]> =>
  parseXfrmStates(await ip(netns, ['xfrm', 'state']))

/** Those that have expired in the meantime are fine. */
export async function deleteXfrmStates(netns: string, states: readonly XfrmState[]): Promise<void> {
  const known = new Set((await listXfrmStates(netns)).map((state) => state.spi))
  await ipBatch(
    netns,
    states
      .filter((state) => known.has(state.spi))
      .map(({ source, destination, spi, carrier, isMarked }) => {
        const mark = isMarked ? ` mark ${carrier} mask 0xffffffff` : ''
        return `xfrm state delete src ${source} dst ${destination} proto esp spi ${spi}${mark}`
      }),
  )
}
