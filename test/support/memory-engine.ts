/**
 * An engine without tunnels, for tests of what stands above engines: it holds what it is given, and a test says what
 * the daemons would report.
 */
import type { Engine, Gateway, Tunnel, TunnelLogLine, TunnelReport } from '../../src/engine/engine.ts'

export interface MemoryEngine extends Engine {
  readonly gatewaysHeld: Map<string, Gateway>
  readonly tunnelsHeld: Map<string, Tunnel>
  /** What was handed over, in order. */
  readonly applied: Tunnel[]
  /** The daemon's side of a tunnel changes; a hint follows. */
  see(id: string, seen: Partial<TunnelReport>): void
  /** The daemon says a line about a tunnel. */
  tell(line: TunnelLogLine): void
  /** Makes the next calls of `apply` fail. */
  failApply: Error | undefined
  /** Holds calls of `apply` back until the returned function is called. */
  hold(): () => void
}

export function createMemoryEngine(now: () => number = Date.now): MemoryEngine {
  const gatewaysHeld = new Map<string, Gateway>()
  const tunnelsHeld = new Map<string, Tunnel>()
  const seen = new Map<string, Partial<TunnelReport>>()
  const applied: Tunnel[] = []
  let hint: (id: string) => void = () => {}
  let listen: (line: TunnelLogLine) => void = () => {}
  let gate: Promise<void> = Promise.resolve()

  const report = (tunnel: Tunnel): TunnelReport => ({
    id: tunnel.id,
    generation: tunnel.generation,
    pendingReconnect: false,
    ikeSas: [],
    childSas: [],
    childrenWanted: 1,
    phase2Failed: false,
    at: now(),
    ...seen.get(tunnel.id),
  })

  const engine: MemoryEngine = {
    gatewaysHeld,
    tunnelsHeld,
    applied,
    failApply: undefined,
    see(id, facts) {
      seen.set(id, facts)
      hint(id)
    },
    tell: (line) => listen(line),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
    gateways: {
      async apply(gateway) {
        await gate
        gatewaysHeld.set(gateway.id, gateway)
      },
      async remove(id) {
        gatewaysHeld.delete(id)
      },
      list: async () => [...gatewaysHeld.keys()],
    },
    tunnels: {
      async apply(tunnel) {
        await gate
        if (engine.failApply) throw engine.failApply
        applied.push(tunnel)
        tunnelsHeld.set(tunnel.id, tunnel)
      },
      async remove(id) {
        tunnelsHeld.delete(id)
        seen.delete(id)
      },
      async observe(id) {
        const tunnel = tunnelsHeld.get(id)
        return tunnel && report(tunnel)
      },
      list: async () => [...tunnelsHeld.values()].map(report),
      onHint(listener) {
        hint = listener
      },
      onLog(listener) {
        listen = listener
      },
    },
    describe: () => ({ name: 'simulated' }),
    close: async () => {},
  }
  return engine
}
