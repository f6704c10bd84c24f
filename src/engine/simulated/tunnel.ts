/**
 * One simulated tunnel: when it negotiates, the SAs it has, and what goes wrong with them.
 *
 * Everything happens inside calls and timers of the clock, at once and in order: the same calls at the same times give
 * the same SPIs, the same events and the same report.
 */
import type { Clock, Timer } from '../../clock.ts'
import type { ChildSa, Failure, IkeSa, Tunnel, TunnelReport } from '../engine.ts'
import { offered } from '../offered.ts'
import { type ReasonCode, reasons, tellingOf } from '../reason.ts'
import type { Ca } from './certificate.ts'
import type { Pace } from './durations.ts'
import { SimulatedBgp, SimulatedProbe } from './inside.ts'
import {
  type Complaint,
  childrenOf,
  negotiateChild,
  negotiateIke,
  type Selectors,
  silence,
} from './negotiate.ts'
import { contains, networksOf } from './networks.ts'
import { identityOf, ourSettings, type PeerSettings } from './peer.ts'
import { complaintOf, type Place } from './words.ts'

/** The way between the two ends. */
export interface Network {
  /** Nothing passes. */
  readonly silent: boolean
  /** Share of packets that are lost, 0 to 1. */
  readonly loss: number
  /** Milliseconds there and back. */
  readonly rtt: number
  readonly port4500: boolean
  readonly route: boolean
}

export const openNetwork: Network = { silent: false, loss: 0, rtt: 20, port4500: true, route: true }

/** What a tunnel needs of the world around it. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: () => number
  readonly pace: Pace
  peer(tunnel: Tunnel): PeerSettings
  network(tunnel: Tunnel): Network
  /** CAs that its daemon trusts for other tunnels. */
  otherCas(tunnel: Tunnel): readonly Ca[]
  /** The daemon of its gateway runs. */
  daemonRuns(tunnel: Tunnel): boolean
  /** Somebody wants what is tried now to fail, with this reason. */
  interfere(tunnel: Tunnel, place: Place): ReasonCode | undefined
  event(tunnel: Tunnel, name: string, detail?: Readonly<Record<string, unknown>>): void
  log(tunnel: Tunnel, text: string): void
}

type Role = 'initiator' | 'responder'

interface Ike {
  readonly uniqueId: string
  readonly initiator: boolean
  readonly version: IkeSa['version']
  readonly localId: string
  readonly remoteId: string
  readonly nat: boolean
  readonly proposal?: string
  /** Absent: it is being negotiated. */
  readonly establishedAt?: number
  readonly rekeyAt?: number
  /** A CHILD_SA of it has been up. */
  childUp: boolean
}

interface Child {
  readonly uniqueId: string
  /** The children of an IKE_SA go along to the one that replaces it. */
  ikeUniqueId: string
  readonly spiIn: string
  readonly spiOut: string
  readonly proposal: string
  /** The one of ours that it is, or a part of. */
  readonly wanted: Selectors
  readonly selectors: Selectors
  readonly installedAt: number
  readonly rekeyAt: number
  /** Whose wish the re-key is. */
  readonly rekeyBy: Role
  readonly expiresAt: number
  packetsIn: number
  packetsOut: number
  bytesIn: number
  bytesOut: number
  /** Up to when the steady traffic has been counted. */
  countedAt: number
}

interface Seen extends Complaint {
  readonly at: number
  readonly role: Role
  /** The newest IKE_SA when it was seen. */
  readonly ike: string | undefined
}

/** What the daemon does by itself when no lifetime is set, in seconds. */
const defaultLifetime = { ike: 14_400, child: 3_600 }
const packetSize = 84
/** Milliseconds of silence until an end asks the other whether it is there. */
const dpdDelay = 10_000
/** Ways there and back until both phases are done. */
const exchanges = 3
const settledAfter = 10_000
/** Lines of the log that help to understand the one that names the cause, as in the strongSwan engine's reading. */
const mostContext = 4

export class SimulatedTunnel {
  readonly #around: Surroundings
  #tunnel: Tunnel
  #ikes: Ike[] = []
  #children: Child[] = []
  readonly #timers = new Map<string, Timer>()
  /** A negotiation is under way, and who began it. */
  #negotiating: Role | undefined
  /** The negotiation under way has had no answer at all. */
  #unanswered = false
  #attempts = 0
  #woken = false
  /** SAs run with settings from before the last change. */
  #stale = false
  #asInitiator: Seen | undefined
  #asResponder: Seen | undefined
  #shown: { readonly code: ReasonCode; readonly since: number } | undefined
  #upSince: number | undefined
  #quietSince: number
  #numbers = 0
  #bgp: SimulatedBgp | undefined
  #probe: SimulatedProbe | undefined
  #wasUp = false
  #downSince: number | undefined
  /** The peer has forgotten our SAs. */
  #orphaned = false
  /** What the peer sends arrives, and is from it. */
  #hears = false
  #heardAt: number | undefined
  /** By the IKE_SA that is there. */
  #dpdAnsweredAt: number | undefined

  constructor(tunnel: Tunnel, around: Surroundings) {
    this.#tunnel = tunnel
    this.#around = around
    this.#quietSince = around.clock.now()
    this.#arrangeInside()
    around.event(tunnel, 'applied')
    if (around.daemonRuns(tunnel)) this.#beginSoon()
    else this.#downSince = this.#now()
  }

  get tunnel(): Tunnel {
    return this.#tunnel
  }

  // --- What is wanted ----------------------------------------------------------------------------------------

  apply(next: Tunnel): void {
    const before = this.#tunnel
    const same = definition(before) === definition(next)
    this.#listen()
    // Of another peer nothing is known until something is negotiated with it.
    if (before.remoteAddress !== next.remoteAddress) this.#heardAt = undefined
    this.#tunnel = next
    this.#arrangeInside()
    if (this.#isStopped) {
      if (before.stoppedAt === undefined) this.#standStill()
      return
    }
    if (before.stoppedAt !== undefined) {
      this.#quietSince = this.#now()
      this.#beginSoon()
      return
    }
    if ((before.restarts ?? 0) !== (next.restarts ?? 0)) {
      this.#attempts = 0
      this.#woken = true
      this.#reconnect('an operator has it negotiated anew')
      return
    }
    if (same) {
      if ((before.rekeys ?? 0) !== (next.rekeys ?? 0)) this.#rekeyNow()
      if (next.effectImmediately && this.#stale) this.#reconnect('settings change at once')
      else if (next.effectImmediately && !before.effectImmediately) this.#beginSoon()
      return
    }
    this.#event('changed')
    this.#forgetComplaints()
    this.#quietSince = this.#now()
    this.#attempts = 0
    if (this.#ikes.length > 0 && !next.effectImmediately) {
      this.#stale = this.#isEstablished
      this.#woken = false
      return
    }
    this.#reconnect('settings changed')
  }

  /** Down, and nothing of it can be negotiated, by whomever. */
  #standStill(): void {
    this.#event('stopped')
    this.#dropSas()
    for (const name of ['negotiation', 'retry']) this.#cancel(name)
    this.#negotiating = undefined
    this.#stale = false
    this.#woken = false
    this.#attempts = 0
    this.#upSince = undefined
    this.#forgetComplaints()
    this.#standInside()
  }

  /** New keys for what is up; what is down is tried at once. */
  #rekeyNow(): void {
    if (this.#children.length > 0) {
      for (const child of this.#children) this.#rekeyChild(child)
      return
    }
    this.#attempts = 0
    this.#woken = true
    this.#beginSoon()
  }

  end(): void {
    for (const name of this.#timers.keys()) this.#cancel(name)
    this.#bgp?.end()
    this.#probe?.end()
    this.#event('removed')
  }

  // --- What the world does to it -----------------------------------------------------------------------------

  /** The peer has other settings, or a fault has come or gone: what is down is tried at once. */
  worldChanged(): void {
    this.#bgp?.look()
    if (!this.#isUp && this.#asked) {
      this.#attempts = 0
      this.#beginSoon()
    }
  }

  networkChanged(): void {
    this.#listen()
    this.#bgp?.look()
    this.#watchForSilence()
    if (this.#network.silent) return
    // What was sent into the silence is sent again, and arrives now.
    if (this.#unanswered) {
      this.#cancel('negotiation')
      this.#negotiating = undefined
    }
    this.worldChanged()
  }

  /** The daemon of its gateway has gone, or is there again. */
  daemonChanged(): void {
    if (!this.#around.daemonRuns(this.#tunnel)) {
      if (this.#downSince !== undefined) return
      this.#downSince = this.#now()
      this.#dropSas()
      this.#negotiating = undefined
      this.#cancel('negotiation')
      this.#cancel('retry')
      this.#event('daemon is gone')
      this.#standInside()
    } else if (this.#downSince !== undefined) {
      this.#downSince = undefined
      this.#event('daemon is back')
      this.worldChanged()
    }
  }

  /** The peer begins to negotiate. */
  peerInitiates(): void {
    this.#begin('responder')
  }

  /** The peer closes the tunnel, or its CHILD_SAs alone, and says so. */
  peerCloses(what: 'tunnel' | 'child'): void {
    if (!this.#isEstablished || this.#network.silent) return
    this.#hear()
    const [ike] = this.#ikes
    const lines = [
      what === 'tunnel'
        ? `received DELETE for IKE_SA ${this.#tunnel.id}[${ike!.uniqueId}]`
        : `received DELETE for ESP CHILD_SA with SPI ${this.#children[0]?.spiOut ?? '0'}`,
    ]
    if (what === 'tunnel') this.#dropSas()
    else this.#removeChildren()
    this.#complain('responder', { code: 'PEER_CLOSED', lines })
    this.#fall()
  }

  /** The peer starts anew: it has forgotten everything, and tells nobody. */
  peerForgets(): void {
    if (!this.#isEstablished) return
    this.#listen()
    this.#orphaned = true
    this.#hears = false
    this.#bgp?.stand(false)
    this.#watchForSilence()
  }

  /** SAs go without a word, and are negotiated anew where they are wanted. */
  renegotiate(): void {
    if (this.#isStopped) return
    if (this.#ikes.length > 0) this.#reconnect('negotiated anew')
    else this.worldChanged()
  }

  /**
   * Hosts send packets through it, `bytes` each. They wake a tunnel that waits for traffic.
   *
   * @returns how many came back
   */
  send(packets: number, bytes = packetSize): number {
    if (this.#isStopped) return 0
    if (!this.#tunnel.effectImmediately && (this.#stale || !this.#woken)) {
      this.#woken = true
      if (this.#stale) this.#reconnect('traffic came')
      else this.#beginSoon()
    }
    const child = this.#children[0]
    if (!child) return 0
    child.packetsOut += packets
    child.bytesOut += packets * bytes
    if (this.#network.silent || this.#orphaned || !this.#peer.echo) return 0
    let back = 0
    for (let count = 0; count < packets; count++) if (this.#around.random() >= this.#network.loss) back++
    child.packetsIn += back
    child.bytesIn += back * bytes
    if (back > 0) this.#hear()
    return back
  }

  // --- Negotiation -------------------------------------------------------------------------------------------

  #beginSoon(): void {
    this.#cancel('retry')
    this.#begin('initiator')
  }

  #begin(role: Role): void {
    if (this.#negotiating || this.#isUp || this.#isStopped || !this.#around.daemonRuns(this.#tunnel)) return
    if (role === 'initiator' && !this.#asked) return
    const network = this.#network
    const [own, other] = [ourSettings(this.#tunnel), this.#peer]
    if (role === 'responder' && (network.silent || !network.route)) return
    this.#negotiating = role
    this.#unanswered = network.silent
    if (role === 'initiator') this.#attempts += 1
    this.#event('negotiates', { role })
    if (!network.route) {
      const lines = ['error writing to socket: Network is unreachable']
      this.#set('negotiation', 0, () => this.#failed(role, { code: 'NO_ROUTE', lines }))
      return
    }
    if (!this.#isEstablished) this.#ikes = [this.#newIke(role, own, other)]
    if (network.silent) {
      this.#set('negotiation', this.#around.pace.next('silence'), () => {
        if (this.#isEstablished) this.#failed(role, silence('CHILD_TIMEOUT', own, 4500))
        else this.#failed(role, silence('PEER_SILENT', own, 500))
      })
      return
    }
    const late = this.#retransmissions()
    const farAway = exchanges * Math.max(0, network.rtt - openNetwork.rtt)
    this.#set('negotiation', this.#around.pace.next('ike') + farAway + (late ?? 0), () => {
      if (late === undefined) this.#failed(role, silence('IKE_TIMEOUT', own, 500))
      else this.#phase1(role)
    })
  }

  /**
   * What lost packets cost, in milliseconds: each is sent again after 2 s, then 1.6 times as late, four times. `undefined`
   * when one is lost each time.
   */
  #retransmissions(): number | undefined {
    const { loss } = this.#network
    let cost = 0
    let wait = 2_000
    for (let tries = 0; loss > 0 && this.#around.random() < loss; tries++) {
      if (tries === 4) return undefined
      cost += wait
      wait *= 1.6
    }
    return cost
  }

  #phase1(role: Role): void {
    const forced = this.#around.interfere(this.#tunnel, 'negotiation')
    if (forced !== undefined && reasons[forced].phase !== 2) {
      this.#failed(role, complaintOf(forced, this.#tunnel))
      return
    }
    if (!this.#isEstablished) {
      const [initiator, responder] = this.#ends(role)
      const blocked = this.#peer.nat && !this.#tunnel.natTraversal
      const result = negotiateIke(initiator, responder, {
        port4500: this.#network.port4500 && !blocked,
        now: this.#now(),
      })
      if (result.failed) {
        const complaint = result.failed[role]
        if (result.halfUp && role === 'initiator') this.#establish(role, responder.proposals[0]!)
        const told =
          blocked && complaint?.bySilence ? { ...complaint, code: 'NAT_T_DISABLED' as const } : complaint
        this.#failed(role, told)
        return
      }
      this.#establish(role, result.proposal)
    }
    this.#set('negotiation', this.#around.pace.next('child'), () => this.#phase2(role, forced))
  }

  #phase2(role: Role, forced: ReasonCode | undefined): void {
    if (forced !== undefined && forced !== 'SUBNETS_NARROWED') {
      this.#failed(role, complaintOf(forced, this.#tunnel))
      return
    }
    const [initiator, responder] = this.#ends(role)
    const ike = this.#ikes.at(-1)!
    let complaint: Complaint | undefined
    for (const wanted of childrenOf(initiator)) {
      const ours = role === 'initiator' ? wanted : mirrored(wanted)
      if (this.#children.some((child) => keyOf(child.wanted) === keyOf(ours))) continue
      const result = negotiateChild(initiator, responder, wanted, ike.childUp)
      if (result.failed) complaint ??= result.failed[role]
      else if (this.#peer.broken) complaint ??= this.#refusedByBroken(role)
      else {
        const agreed = role === 'initiator' ? result.selectors : mirrored(result.selectors)
        const narrowed = forced === 'SUBNETS_NARROWED' ? { ...agreed, remote: halved(agreed.remote) } : agreed
        this.#install(ike, ours, narrowed, result.proposal)
      }
    }
    if (this.#children.length > 0) ike.childUp = true
    if (this.#isUp) this.#succeeded()
    else this.#failed(role, complaint)
  }

  /** The peer could not install its keys: an initiator takes the CHILD_SA back, a responder refuses it. */
  #refusedByBroken(role: Role): Complaint {
    if (role === 'responder' && this.#tunnel.ike.version === 'ikev2') {
      return { code: 'PEER_CLOSED', lines: [`received DELETE for ESP CHILD_SA with SPI ${this.#spi()}`] }
    }
    return complaintOf('ESP_PROPOSAL_MISMATCH', this.#tunnel)
  }

  #succeeded(): void {
    this.#negotiating = undefined
    this.#forgetComplaints()
    this.#stale = false
    this.#orphaned = false
    this.#upSince = this.#now()
    this.#event('up')
    this.#standInside()
    this.#watchForSilence()
  }

  /** The attempt is over; where somebody wants the tunnel, the next one comes. */
  #failed(role: Role, complaint: Complaint | undefined): void {
    const end = () => {
      this.#negotiating = undefined
      this.#ikes = this.#ikes.filter((ike) => ike.establishedAt !== undefined)
      if (complaint) this.#complain(role, complaint)
      if (this.#children.length > 0) this.#standInside()
      this.#retry()
    }
    // Silence is known late.
    if (complaint?.bySilence && !this.#network.silent)
      this.#set('negotiation', this.#around.pace.next('silence'), end)
    else end()
  }

  #retry(): void {
    if (!this.#asked || this.#isUp || this.#isStopped) return
    const spread = 0.8 + 0.4 * this.#around.random()
    this.#set('retry', this.#around.pace.retry(this.#attempts) * spread, () => this.#begin('initiator'))
  }

  /** It was up: how long decides whether the attempts begin anew. */
  #fall(): void {
    const wasUpFor = this.#upSince === undefined ? 0 : this.#now() - this.#upSince
    if (wasUpFor >= settledAfter) this.#attempts = 0
    this.#upSince = undefined
    this.#quietSince = this.#now()
    this.#standInside()
    this.#retry()
  }

  #reconnect(why: string): void {
    if (this.#ikes.length > 0) this.#event('closed', { why })
    this.#dropSas()
    this.#negotiating = undefined
    this.#cancel('negotiation')
    this.#stale = false
    this.#upSince = undefined
    this.#standInside()
    this.#beginSoon()
  }

  // --- SAs ---------------------------------------------------------------------------------------------------

  #newIke(role: Role, own: PeerSettings, other: PeerSettings): Ike {
    return {
      uniqueId: this.#number(),
      initiator: role === 'initiator',
      version: (role === 'initiator' ? own : other).version === 1 ? 'ikev1' : 'ikev2',
      localId: identityOf(own.localId),
      remoteId: identityOf(other.localId),
      nat: other.nat,
      childUp: false,
    }
  }

  #establish(role: Role, proposal: string): void {
    const now = this.#now()
    const lifetime = this.#tunnel.ike.lifetime || defaultLifetime.ike
    const rekeyAt = now + this.#rekeyAfter(lifetime, this.#peer.ikeLifetime).after
    const before = this.#ikes.at(-1) ?? this.#newIke(role, ourSettings(this.#tunnel), this.#peer)
    const ike: Ike = { ...before, proposal, establishedAt: now, rekeyAt }
    this.#ikes = [ike]
    this.#hear()
    this.#dpdAnsweredAt = undefined
    this.#event('IKE_SA established', { id: ike.uniqueId, role })
    const { localAddress, remoteAddress, id } = this.#tunnel
    this.#log(
      'IKE',
      `IKE_SA ${id}[${ike.uniqueId}] established between ${localAddress}[${ike.localId}]...${remoteAddress}[${ike.remoteId}]`,
    )
    this.#set('rekey IKE', rekeyAt - now, () => this.#rekeyIke())
  }

  #rekeyIke(): void {
    const before = this.#ikes.at(-1)
    if (!before || this.#cannotRekey()) return
    const now = this.#now()
    const lifetime = this.#tunnel.ike.lifetime || defaultLifetime.ike
    const rekeyAt = now + this.#rekeyAfter(lifetime, this.#peer.ikeLifetime).after
    const ike: Ike = { ...before, uniqueId: this.#number(), establishedAt: now, rekeyAt }
    this.#ikes = [ike]
    for (const child of this.#children) child.ikeUniqueId = ike.uniqueId
    this.#hear()
    this.#dpdAnsweredAt = undefined
    this.#event('IKE_SA re-keyed', { id: ike.uniqueId })
    this.#set('rekey IKE', rekeyAt - now, () => this.#rekeyIke())
  }

  #install(ike: Ike, wanted: Selectors, selectors: Selectors, proposal: string, before?: Child): void {
    const now = this.#now()
    const lifetime = this.#tunnel.ipsec.lifetime || defaultLifetime.child
    const rekey = this.#rekeyAfter(lifetime, this.#peer.lifetime)
    const rekeyAt = now + rekey.after
    const child: Child = {
      uniqueId: this.#number(),
      ikeUniqueId: ike.uniqueId,
      spiIn: this.#spi(),
      spiOut: this.#spi(),
      proposal,
      wanted,
      selectors,
      installedAt: now,
      rekeyAt,
      rekeyBy: rekey.by,
      expiresAt: now + 1_000 * (rekey.by === 'initiator' ? lifetime : this.#peer.lifetime),
      packetsIn: 0,
      packetsOut: 0,
      bytesIn: 0,
      bytesOut: 0,
      countedAt: now,
    }
    this.#hear()
    this.#children = [...this.#children.filter((each) => each !== before), child]
    const { spiIn, spiOut } = child
    this.#event(before ? 'CHILD_SA re-keyed' : 'CHILD_SA established', {
      spiIn,
      spiOut,
      local: selectors.local,
      remote: selectors.remote,
    })
    this.#log(
      'IKE',
      `CHILD_SA ${this.#tunnel.id}{${child.uniqueId}} established with SPIs ${spiIn}_i ${spiOut}_o and TS ${selectors.local.join(' ')} === ${selectors.remote.join(' ')}`,
    )
    const name = keyOf(wanted)
    this.#set(`rekey ${name}`, rekeyAt - now, () => this.#rekeyChild(child))
    this.#set(`expire ${name}`, child.expiresAt - now, () => this.#expire(child))
  }

  #rekeyChild(child: Child): void {
    const ike = this.#ikes.at(-1)
    if (!ike || this.#cannotRekey()) return
    const role = child.rekeyBy
    const [initiator, responder] = this.#ends(role)
    const turned = (selectors: Selectors) => (role === 'initiator' ? selectors : mirrored(selectors))
    const result = negotiateChild(initiator, responder, turned(child.wanted), true)
    if (!result.failed) {
      this.#install(ike, child.wanted, turned(result.selectors), result.proposal, child)
      return
    }
    const complaint = result.failed[role]!
    this.#complain(role, complaint)
    this.#event('re-key failed', { code: complaint.code })
  }

  /** Nobody answers: it will be found dead. */
  #cannotRekey(): boolean {
    if (!this.#network.silent && !this.#orphaned) return false
    this.#set('death', this.#around.pace.next('silence'), () => this.#dies())
    return true
  }

  #expire(child: Child): void {
    if (!this.#children.includes(child)) return
    this.#children = this.#children.filter((each) => each !== child)
    this.#event('CHILD_SA expired', { spiIn: child.spiIn })
    this.#fall()
  }

  /**
   * Both ends' wishes, the sooner counts: ours by strongSwan's rule (nine tenths of the lifetime, less a random tenth),
   * the peer's at nine tenths. Milliseconds.
   */
  #rekeyAfter(lifetime: number, peerLifetime: number): { after: number; by: Role } {
    const tenth = Math.round(lifetime / 10)
    const own = lifetime - tenth - this.#around.random() * tenth
    const theirs = peerLifetime > 0 ? peerLifetime * 0.9 : Number.POSITIVE_INFINITY
    return { after: Math.round(1_000 * Math.min(own, theirs)), by: own <= theirs ? 'initiator' : 'responder' }
  }

  #removeChildren(): void {
    for (const child of this.#children) {
      this.#cancel(`rekey ${keyOf(child.wanted)}`)
      this.#cancel(`expire ${keyOf(child.wanted)}`)
    }
    this.#children = []
  }

  #dropSas(): void {
    this.#listen()
    this.#removeChildren()
    this.#ikes = []
    this.#hears = false
    this.#orphaned = false
    for (const name of ['rekey IKE', 'dpd', 'death']) this.#cancel(name)
  }

  /** Something has come from the peer. */
  #hear(): void {
    this.#listen()
    this.#heardAt = this.#now()
  }

  /**
   * Takes note of what has come in until now: steady traffic, and what either end's DPD brought about when there was
   * silence. Called before anything changes that decides whether the peer is heard.
   */
  #listen(): void {
    const now = this.#now()
    for (const child of this.#children) this.#countTraffic(child, now)
    const { dpd } = this.#tunnel
    if (this.#hears && this.#heardAt !== undefined && (dpd || this.#peer.dpd)) {
      const answers = Math.floor((now - this.#heardAt) / dpdDelay)
      this.#heardAt += answers * dpdDelay
      if (dpd && answers > 0) this.#dpdAnsweredAt = this.#heardAt
    }
    this.#hears = this.#isEstablished && !this.#network.silent && !this.#orphaned
  }

  /** DPD: a peer that says nothing is dead after a while. */
  #watchForSilence(): void {
    const isDead = this.#isEstablished && (this.#network.silent || this.#orphaned)
    if (!isDead || !this.#tunnel.dpd) {
      this.#cancel('dpd')
      return
    }
    if (this.#timers.has('dpd')) return
    this.#set('dpd', this.#around.pace.next('dpd'), () => this.#dies())
  }

  #dies(): void {
    if (!this.#isEstablished || !(this.#network.silent || this.#orphaned)) return
    const own = ourSettings(this.#tunnel)
    const isV1 = this.#ikes.at(-1)!.version === 'ikev1'
    this.#dropSas()
    this.#complain(
      'initiator',
      isV1
        ? { code: 'DPD_TIMEOUT', lines: ['DPD check timed out, enforcing DPD action'] }
        : silence('DPD_TIMEOUT', own, 4500),
    )
    this.#fall()
  }

  // --- What is seen ------------------------------------------------------------------------------------------

  #complain(role: Role, complaint: Complaint): void {
    const seen: Seen = { ...complaint, role, at: this.#now(), ike: this.#ikes.at(-1)?.uniqueId }
    if (role === 'initiator') this.#asInitiator = seen
    else this.#asResponder = seen
    const code = this.#telling()!.code
    if (this.#shown?.code !== code) this.#shown = { code, since: this.#now() }
    for (const line of complaint.lines) this.#log('IKE', line)
    this.#event('fails', { code: complaint.code, role })
  }

  #forgetComplaints(): void {
    this.#asInitiator = undefined
    this.#asResponder = undefined
    this.#shown = undefined
  }

  #telling(): Seen | undefined {
    return tellingOf([this.#asInitiator, this.#asResponder])
  }

  #failure(): Failure | undefined {
    const { stoppedAt } = this.#tunnel
    if (stoppedAt !== undefined) return { code: 'STOPPED_BY_OPERATOR', since: stoppedAt, evidence: [] }
    if (this.#downSince !== undefined) {
      return {
        code: 'CHARON_DOWN',
        since: this.#downSince,
        evidence: complaintOf('CHARON_DOWN', this.#tunnel).lines,
      }
    }
    if (this.#isUp) return this.#narrowed()
    const seen = this.#telling()
    if (!seen) {
      const code = this.#asked ? 'CONNECTING' : 'WAITING_FOR_TRAFFIC'
      return { code, since: this.#quietSince, evidence: [] }
    }
    const offer = offered(seen.code, this.#tunnel)
    const [line, ...context] = seen.lines
    const evidence = [line, offer, ...context.slice(-mostContext)].filter((text) => text !== undefined)
    return { code: seen.code, since: this.#shown?.since ?? seen.at, evidence }
  }

  #narrowed(): Failure | undefined {
    if (this.#stale) return undefined
    const local = this.#children.flatMap(({ selectors }) => selectors.local)
    const remote = this.#children.flatMap(({ selectors }) => selectors.remote)
    const covers = (agreed: readonly string[], wanted: readonly string[]) =>
      wanted.every((network) => agreed.some((one) => contains(one, network)))
    const { localSubnets, remoteSubnets } = this.#tunnel
    if (covers(local, localSubnets) && covers(remote, remoteSubnets)) return undefined
    const text = (networks: readonly string[]) => [...new Set(networks)].join(',')
    return {
      code: 'SUBNETS_NARROWED',
      since: this.#upSince ?? this.#now(),
      evidence: [
        `asked for: ${text(localSubnets)} === ${text(remoteSubnets)}`,
        `agreed: ${text(local)} === ${text(remote)}`,
      ],
    }
  }

  report(): TunnelReport {
    const now = this.#now()
    this.#listen()
    const newest = this.#ikes.findLast((ike) => ike.establishedAt !== undefined)
    const seen = this.#telling()
    const failure = this.#failure()
    return {
      id: this.#tunnel.id,
      generation: this.#tunnel.generation,
      pendingReconnect: this.#stale,
      ikeSas: this.#ikes.map((ike) => this.#ikeSa(ike, now)),
      childSas: this.#children.map((child) => childSa(child, now)),
      childrenWanted: childrenOf(ourSettings(this.#tunnel)).length,
      phase2Failed:
        !this.#isUp &&
        newest !== undefined &&
        seen?.ike === newest.uniqueId &&
        reasons[seen.code].phase === 2,
      ...(failure && { failure }),
      ...(this.#heardAt !== undefined && { heardAt: this.#heardAt }),
      ...(this.#bgp && { bgp: this.#bgp.report() }),
      ...(this.#probe && { probe: this.#probe.report() }),
      at: now,
    }
  }

  #ikeSa(ike: Ike, now: number): IkeSa {
    const port = ike.nat ? 4500 : 500
    return {
      uniqueId: ike.uniqueId,
      state: ike.establishedAt === undefined ? 'connecting' : 'established',
      version: ike.version,
      initiator: ike.initiator,
      localId: ike.localId,
      ...(ike.establishedAt !== undefined && {
        remoteId: ike.remoteId,
        proposal: ike.proposal,
        establishedFor: seconds(now - ike.establishedAt),
        rekeyIn: seconds(ike.rekeyAt! - now),
        heardAt: this.#heardAt,
        ...(this.#dpdAnsweredAt !== undefined && { dpdAnsweredAt: this.#dpdAnsweredAt }),
      }),
      remoteEndpoint: `${this.#tunnel.remoteAddress}:${port}`,
      natBetween: ike.nat,
    }
  }

  /** Steady traffic is counted when somebody looks, or before the network changes. */
  #countTraffic(child: Child, now: number): void {
    const { packetRate } = this.#peer
    const packets = Math.floor(((now - child.countedAt) / 1_000) * packetRate)
    if (packets === 0) {
      if (packetRate === 0) child.countedAt = now
      return
    }
    child.countedAt += Math.round((packets / packetRate) * 1_000)
    child.packetsOut += packets
    child.bytesOut += packets * packetSize
    if (!this.#hears) return
    child.packetsIn += packets
    child.bytesIn += packets * packetSize
    if (this.#heardAt !== undefined) this.#heardAt = Math.max(this.#heardAt, child.countedAt)
  }

  // --- Inside ------------------------------------------------------------------------------------------------

  #arrangeInside(): void {
    const { bgp, probe } = this.#tunnel
    const inside = {
      clock: this.#around.clock,
      random: this.#around.random,
      isOpen: () => this.#children.length > 0 && !this.#network.silent && !this.#orphaned,
      loss: () => this.#network.loss,
      rtt: () => this.#network.rtt,
      interfere: (place: 'bgp' | 'probe') => {
        const code = this.#around.interfere(this.#tunnel, place)
        return code && complaintOf(code, this.#tunnel).lines[0]
      },
      event: (name: string, detail?: Readonly<Record<string, unknown>>) => this.#event(name, detail),
    }
    if (!bgp) {
      this.#bgp?.end()
      this.#bgp = undefined
    } else if (this.#bgp) this.#bgp.look(bgp)
    else {
      const delay = () => this.#around.pace.next('bgp')
      this.#bgp = new SimulatedBgp(inside, bgp, () => this.#peer.bgp, delay)
      this.#bgp.stand(this.#children.length > 0)
    }
    if (this.#probe && !this.#probe.isOf(probe)) {
      this.#probe.end()
      this.#probe = undefined
    }
    if (probe) this.#probe ??= new SimulatedProbe(inside, probe, () => this.#peer.echo)
  }

  #standInside(): void {
    const isUp = this.#children.length > 0
    if (isUp !== this.#wasUp) {
      this.#wasUp = isUp
      if (!isUp) this.#event('down')
    }
    this.#bgp?.stand(isUp)
  }

  // --- Small things ------------------------------------------------------------------------------------------

  get #peer(): PeerSettings {
    return this.#around.peer(this.#tunnel)
  }

  get #own(): PeerSettings {
    const own = ourSettings(this.#tunnel)
    if (!own.certificate) return own
    return { ...own, certificate: { ...own.certificate, otherCas: this.#around.otherCas(this.#tunnel) } }
  }

  get #network(): Network {
    const network = this.#around.network(this.#tunnel)
    return network.loss >= 1 ? { ...network, silent: true } : network
  }

  /** Traffic has asked for it, too, where BGP or a health check sends packets of its own. */
  get #asked(): boolean {
    const { effectImmediately, bgp, probe } = this.#tunnel
    return effectImmediately || this.#woken || bgp !== undefined || probe !== undefined
  }

  get #isStopped(): boolean {
    return this.#tunnel.stoppedAt !== undefined
  }

  get #isEstablished(): boolean {
    return this.#ikes.some((ike) => ike.establishedAt !== undefined)
  }

  /** Every child that the settings ask for is there; those of earlier settings count while they last. */
  get #isUp(): boolean {
    if (this.#stale) return this.#children.length > 0
    const there = new Set(this.#children.map(({ wanted }) => keyOf(wanted)))
    return childrenOf(ourSettings(this.#tunnel)).every((wanted) => there.has(keyOf(wanted)))
  }

  #ends(role: Role): [initiator: PeerSettings, responder: PeerSettings] {
    const own = this.#own
    return role === 'initiator' ? [own, this.#peer] : [this.#peer, own]
  }

  #now(): number {
    return this.#around.clock.now()
  }

  #number(): string {
    this.#numbers += 1
    return String(this.#numbers)
  }

  /** 0 to 255 are reserved (RFC 4303, 2.1). */
  #spi(): string {
    return Math.floor(256 + this.#around.random() * (2 ** 32 - 256))
      .toString(16)
      .padStart(8, '0')
  }

  #event(name: string, detail?: Readonly<Record<string, unknown>>): void {
    this.#around.event(this.#tunnel, name, detail)
    const facts = Object.entries(detail ?? {}).map(([key, value]) => `, ${key} ${value}`)
    this.#log('ENGINE', `${engineWords[name] ?? `a tunnel: ${name}`}${facts.join('')}`)
  }

  /** A line as the strongSwan engine writes it: `[IKE] ...` from the daemon, `[ENGINE] ...` from itself. */
  #log(group: 'IKE' | 'ENGINE', text: string): void {
    this.#around.log(this.#tunnel, `[${group}] ${text}`)
  }

  #set(name: string, milliseconds: number, run: () => void): void {
    this.#cancel(name)
    this.#timers.set(
      name,
      this.#around.clock.after(milliseconds, () => {
        this.#timers.delete(name)
        run()
      }),
    )
  }

  #cancel(name: string): void {
    this.#timers.get(name)?.cancel()
    this.#timers.delete(name)
  }
}

const engineWords: Readonly<Record<string, string>> = {
  stopped: 'an operator stops a tunnel',
  negotiates: 'initiates',
  up: 'a tunnel is up',
  down: 'a tunnel is down',
  fails: 'a tunnel fails',
}

/** Changes exactly when a running SA would have to be negotiated anew. */
function definition({ ike, ipsec, ...tunnel }: Tunnel): string {
  const { localAddress, remoteAddress, localSubnets, remoteSubnets, dpd, natTraversal } = tunnel
  return JSON.stringify([
    [localAddress, remoteAddress, networksOf(localSubnets), networksOf(remoteSubnets), dpd, natTraversal],
    [{ ...ike, certificate: ike.certificate?.own }, ike.psk.reveal(), ipsec],
  ])
}

const keyOf = ({ local, remote }: Selectors) => `${local.join()} ${remote.join()}`
const mirrored = ({ local, remote }: Selectors): Selectors => ({ local: remote, remote: local })
const seconds = (milliseconds: number) => Math.round(milliseconds / 1_000)

/** The lower half of the first network: a part that the peer might agree to. */
const halved = (networks: readonly string[]) =>
  networks.slice(0, 1).map((network) => {
    const [address, length] = network.split('/')
    return Number(length) < 32 ? `${address}/${Number(length) + 1}` : network
  })

const childSa = (child: Child, now: number): ChildSa => ({
  uniqueId: child.uniqueId,
  ikeUniqueId: child.ikeUniqueId,
  state: 'installed',
  spiIn: child.spiIn,
  spiOut: child.spiOut,
  proposal: child.proposal,
  localSelectors: child.selectors.local,
  remoteSelectors: child.selectors.remote,
  bytesIn: child.bytesIn,
  bytesOut: child.bytesOut,
  packetsIn: child.packetsIn,
  packetsOut: child.packetsOut,
  rekeyIn: seconds(child.rekeyAt - now),
  expiresIn: seconds(child.expiresAt - now),
})
