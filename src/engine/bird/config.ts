/**
 * The whole configuration of one gateway's BIRD, from the BGP sessions of its tunnels. Pure.
 *
 * BIRD 2.0 (bird.network.cz, user's guide 2.0.12). Nothing of a user stands in it as it came: names are made of our
 * own numbers, addresses and networks are read and written anew, and the key of a session is refused when it could end
 * the string it stands in.
 *
 * - Networks that we announce are blackholes inside BIRD and never reach the kernel.
 * - What is learned goes into the main table of the gateway's namespace, behind the static routes to tunnels where a
 *   network is known by both, and is taken out when its session ends: no graceful restart keeps it.
 * - A session whose tunnel cannot carry packets is switched off, so that it ends at once and not with its hold timer.
 */
import { isIPv4 } from 'node:net'
import { Secret } from '../../secret.ts'
import { EngineError, type TunnelBgp } from '../engine.ts'
import { networkOf } from '../linux/address.ts'

/** A session as it is wanted. */
export interface BgpSession {
  /** `sessionName` of its tunnel. */
  readonly name: string
  /** Sessions of one connection stand by for each other. */
  readonly connectionId: string
  readonly bgp: TunnelBgp
  /** Its tunnel carries packets. */
  readonly up: boolean
  /** It does, or waits for some. */
  readonly open: boolean
}

/** What is the same for all sessions of a gateway. */
export interface BgpGateway {
  /** IPv4 address that never changes while there are sessions: BIRD restarts all of them when it does. */
  readonly routerId: string
  /** Source address of what the gateway itself sends to learned networks. */
  readonly source: string
  /** Networks (CIDR) of the VPC: neither they nor a part of them is taken from a peer. */
  readonly ownNetworks: readonly string[]
}

export interface BgpLimits {
  /** Seconds without a word from the peer after which a session ends; the lower of both ends counts. 3 or more. */
  readonly holdTime: number
  /** Networks taken from one peer; those beyond it are refused. */
  readonly importLimit: number
}

/** The vendor: 50 learned routes (Limits, 2021 and 2026). Hold time as its guides set it at the customer's end. */
export const defaultBgpLimits: BgpLimits = { holdTime: 30, importLimit: 50 }

export const sessionName = (slot: number) => `vco_${slot}`

/** Behind the static routes of tunnels that are up, before those of tunnels that wait for traffic (tunnel-routes.ts). */
export const kernelMetric = 1_500_000_000

/** The MED of a session is this less its preference: the lower one is better (RFC 4271, 9.1.2.2). */
const medOfNoPreference = 1_000

/**
 * What a session announces its networks with. One that stands in for a better one of its connection, whose tunnel is
 * down, is the better one at once: the peer may take the other for alive until its hold timer ends, and would send into
 * the dead tunnel for as long.
 */
function medOf(session: BgpSession, all: readonly BgpSession[]): number {
  const { preference } = session.bgp
  const replaced = all
    .filter((other) => other.connectionId === session.connectionId && !other.up)
    .map((other) => other.bgp.preference)
    .filter((other) => other > preference)
  return Math.max(0, medOfNoPreference - Math.max(preference, ...replaced.map((other) => other + 1)))
}

/** Never taken: link-local (the insides of tunnels), loopback, multicast and above, and the default route. */
const refusedNetworks = ['169.254.0.0/16+', '127.0.0.0/8+', '224.0.0.0/3+', '0.0.0.0/0']

/**
 * @param runDir absolute; the log is written there. No key is ever in the log.
 * @throws EngineError without retry for what BIRD cannot be told
 */
export function renderBirdConfig(
  gateway: BgpGateway,
  sessions: readonly BgpSession[],
  limits: BgpLimits,
  runDir: string,
): string {
  const ordered = sessions.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const announced = [...new Set(ordered.flatMap(({ bgp }) => bgp.advertised.map(networkOf)))].sort()
  const log = text(`${runDir}/bird.log`)
  return `log ${log} ${1024 * 1024} ${text(`${runDir}/bird.log.1`)} { info, warning, error, fatal, remote, auth, bug };
router id ${address(gateway.routerId)};
timeformat protocol iso long ms;
timeformat log iso long ms;
protocol device { scan time 10; }
protocol kernel {
  scan time 20;
  metric ${kernelMetric};
  ipv4 {
    import none;
    export filter {
      if source != RTS_BGP then reject;
      krt_prefsrc = ${address(gateway.source)};
      accept;
    };
  };
}
protocol static own {
  ipv4;
${announced.map((network) => `  route ${network} blackhole;\n`).join('')}}
${ordered.map((session) => renderSession(gateway, session, limits, ordered)).join('')}`
}

/**
 * One session: alone, to find out whether it can be told to BIRD.
 *
 * @param all the sessions of the gateway
 * @throws EngineError without retry
 */
export function renderSession(
  gateway: BgpGateway,
  session: BgpSession,
  limits: BgpLimits,
  all: readonly BgpSession[] = [session],
): string {
  const { name, bgp, open } = session
  if (!/^vco_\d+$/.test(name)) throw refused(`session name ${name}`)
  const refusals = [...refusedNetworks, ...gateway.ownNetworks.map((network) => `${networkOf(network)}+`)]
  const announced = [...new Set(bgp.advertised.map(networkOf))].sort()
  const preference = whole(bgp.preference, 'preference', 0, medOfNoPreference)
  return `protocol bgp ${name} {
  disabled ${open ? 'no' : 'yes'};
  debug { states, routes };
  local ${address(bgp.localIp)} as ${asn(bgp.localAsn)};
  neighbor ${address(bgp.peerIp)} as ${asn(bgp.peerAsn)};
  strict bind yes;
  free bind yes;
  hold time ${whole(limits.holdTime, 'hold time', 3, 65_535)};
  connect delay time 1;
  connect retry time 2;
  error wait time 1, 5;
  graceful restart off;
  long lived graceful restart off;
${password(bgp.authKey)}\
  ipv4 {
    next hop self;
    import limit ${whole(limits.importLimit, 'import limit', 1, 1_000_000)} action block;
    import filter {
      if net ~ [ ${refusals.join(', ')} ] then reject;
      bgp_local_pref = ${preference};
      accept;
    };
    export ${
      announced.length === 0
        ? 'none'
        : `filter {
      if proto = "own" && net ~ [ ${announced.join(', ')} ] then { bgp_med = ${medOf(session, all)}; accept; }
      reject;
    }`
    };
  };
}
`
}

function password(authKey: Secret | undefined): string {
  if (authKey === undefined) return ''
  const key = authKey.reveal()
  if (key === '') throw refused('the key of the session is not known until its tunnel is applied')
  return `  password ${text(key, 'the key of the session')};\n`
}

/** Reads the keys of the sessions back from a rendered configuration, by the names of the sessions. */
export function keysIn(config: string): ReadonlyMap<string, Secret> {
  const found = config.matchAll(/^protocol bgp (\S+) \{\n(?: {2}.*\n)*? {2}password "(.*)";$/gm)
  return new Map([...found].map(([, name = '', key = '']) => [name, new Secret(key)]))
}

function address(value: string): string {
  if (!isIPv4(value)) throw refused(`address "${value}" is not an IPv4 address`)
  return value
}

const asn = (value: number) => whole(value, 'ASN', 1, 4_294_967_295)

function whole(value: number, what: string, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw refused(`${what} ${value} is not a whole number from ${least} to ${most}`)
  }
  return value
}

/** BIRD knows no escapes inside a string. The value itself is not quoted in the error: it may be a key. */
function text(value: string, what = 'a path'): string {
  if (!/^[\x20\x21\x23-\x7e]+$/.test(value)) {
    throw refused(`${what} must be visible ASCII characters other than the double quote`)
  }
  return `"${value}"`
}

const refused = (what: string) => new EngineError(`BGP: ${what}`, { retry: false })
