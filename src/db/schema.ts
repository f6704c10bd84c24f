/**
 * Every table, on both databases. Types are those that SQLite and PostgreSQL keep alike:
 *
 *   text      string; a member of a few words is narrowed here and nowhere else
 *   integer   32-bit number; a flag is 0 or 1
 *   bigint    number up to 2^53; times are epoch milliseconds
 *   json      text holding JSON; compared and searched by nobody, parsed by the noun's store
 *   sealed    text made by `seal.ts`; the clear value never stands in a table
 *
 * `seq` is the order of creation in this database and the primary key: lists are paged by it. `version` grows with
 * each change of the row, `generation` with each change that an engine has to make real.
 * Rules between nouns (a connection needs its gateway) are kept by the actions, which answer with the vendor's codes;
 * they hold because write transactions run one after the other (`open.ts`). Hence no foreign keys between nouns.
 *
 * A change here needs a migration in `migrations.ts`; a test compares the two.
 */
import type { Insertable, Selectable, Updateable } from 'kysely'

type StoredType = 'text' | 'integer' | 'bigint'

/** `T` exists for the compiler only. */
export interface Column<T> {
  readonly type: StoredType
  readonly nullable: null extends T ? true : false
}

const column = <T>(type: StoredType) => ({ type, nullable: false }) as Column<T>
const nullable = <T>(of: Column<T>) => ({ type: of.type, nullable: true }) as Column<T | null>
const oneOf = <T extends string>() => column<T>('text')

const text = column<string>('text')
const json = column<string>('text')
const sealed = column<string>('text')
const integer = column<number>('integer')
const flag = column<number>('integer')
const bigint = column<number>('bigint')

/** What every noun of the vendor begins with. */
const noun = {
  seq: bigint,
  id: text,
  account_id: text,
  region: text,
  name: text,
  created_at: bigint,
  version: integer,
}

export const tables = {
  account: { id: text, name: text, created_at: bigint },

  access_key: {
    id: text,
    account_id: text,
    user_name: nullable(text), // null: the account itself
    status: oneOf<'Active' | 'Inactive'>(),
    secret_sealed: sealed,
    statements: json, // PolicyStatement[]
    security_token_sealed: nullable(sealed), // a temporary (STS) key has both this and its end
    expires_at: nullable(bigint),
    created_at: bigint,
    role_name: nullable(text), // of a session of a role; user_name is then the session's name
    session_policy: nullable(json), // PolicyStatement[]
  },

  /** Rights that the RAM users of an account can take on for a while. */
  ram_role: {
    account_id: text,
    name: text,
    statements: json, // PolicyStatement[]
    max_session: integer, // seconds
    created_at: bigint,
    description: text,
    trust: json, // who may take it on
    updated_at: bigint,
  },

  /** The RAM users of an account. */
  ram_user: {
    account_id: text,
    name: text,
    display_name: text,
    email: text,
    mobile_phone: text,
    comments: text,
    created_at: bigint,
    updated_at: bigint,
  },

  /** Policies that an account has made. */
  ram_policy: {
    account_id: text,
    name: text,
    description: text,
    document: json,
    version: integer,
    created_at: bigint,
    updated_at: bigint,
  },

  /** Which policy a user or a role has. */
  ram_attachment: {
    account_id: text,
    entity_kind: oneOf<'user' | 'role'>(),
    entity_name: text,
    policy_type: oneOf<'System' | 'Custom'>(),
    policy_name: text,
    attached_at: bigint,
  },

  vpc: { ...noun, description: text, cidr: text },
  vswitch: { ...noun, vpc_id: text, zone: text, description: text, cidr: text },

  vpn_gateway: {
    ...noun,
    // `enhanced`: for IPsec alone; `attachment`: what a connection without a VPN gateway has in its place, seen by nobody
    kind: oneOf<'gateway' | 'enhanced' | 'attachment'>(),
    description: text,
    vpc_id: text,
    vswitch_id: text,
    second_vswitch_id: nullable(text), // with an address of its own: its connections have two tunnels
    second_internet_ip: nullable(text),
    bandwidth: integer, // Mbit/s
    network_type: text,
    vpn_type: text,
    charge_type: text,
    auto_propagate: flag,
    enable_ipsec: flag,
    enable_ssl: flag,
    ssl_connections: integer,
    resource_group_id: text,
    internet_ip: text,
    inside_address: text, // address and prefix length
    slot: integer,
    order_id: bigint,
    business_status: text,
    end_time: bigint,
    deleted_at: nullable(bigint),
    generation: integer,
  },

  customer_gateway: {
    ...noun,
    description: text,
    ip_address: text,
    asn: nullable(bigint),
    auth_key_sealed: nullable(sealed),
    resource_group_id: text,
  },

  vpn_connection: {
    ...noun,
    vpn_gateway_id: text,
    local_subnet: text,
    remote_subnet: text,
    effect_immediately: flag,
    auto_config_route: flag,
    hc_enable: flag,
    hc_dip: text,
    hc_sip: text,
    hc_interval: integer, // seconds
    hc_retry: integer,
    hc_policy: text,
    bgp_enable: flag, // of its tunnel, or of both
    dual: flag, // 1: two tunnels
    resource_group_id: text,
    deleted_at: nullable(bigint),
  },

  /** What is negotiated. The tunnel of a connection that has only one bears the id of the connection. */
  vpn_tunnel: {
    connection_id: text,
    position: integer, // 1, and 2 where there are two: which outside address of the gateway is its own
    id: text,
    role: oneOf<'master' | 'slave'>(),
    customer_gateway_id: text,
    enable_dpd: flag,
    enable_nat_traversal: flag,
    ike_version: text,
    ike_mode: text,
    ike_enc_alg: text,
    ike_auth_alg: text,
    ike_pfs: text,
    ike_lifetime: integer, // seconds
    local_id: text,
    remote_id: text,
    psk_sealed: sealed,
    ipsec_enc_alg: text,
    ipsec_auth_alg: text,
    ipsec_pfs: text,
    ipsec_lifetime: integer, // seconds
    bgp_local_asn: nullable(bigint),
    bgp_tunnel_cidr: nullable(text),
    bgp_local_ip: nullable(text),
    remote_ca_certificate: nullable(text),
    slot: integer,
    generation: integer,
    stopped_at: nullable(bigint), // kept down by an operator since then
    restarts: integer, // both: how often an operator has had it negotiated anew, or re-keyed
    rekeys: integer,
  },

  /** The CAs that issue the certificates of tunnels; one of each kind of key. */
  certificate_authority: {
    kind: oneOf<'rsa' | 'ecdsa'>(),
    certificate: text, // PEM
    key_sealed: sealed,
    not_after: bigint,
    created_at: bigint,
  },

  /** What a tunnel with a `RemoteCaCertificate` proves itself with. */
  tunnel_certificate: {
    tunnel_id: text,
    kind: oneOf<'rsa' | 'p256' | 'p384' | 'p521'>(),
    identity: text, // its subjectAltName
    certificate: text, // PEM
    key_sealed: sealed,
    not_after: bigint,
  },

  /** A route into the tunnels of one connection. */
  route_entry: {
    seq: bigint,
    kind: oneOf<'dbr' | 'pbr' | 'vco'>(), // by destination, by source and destination, of an attachment
    owner_id: text, // the VPN gateway; of `vco` the connection
    route_source: text, // empty but for `pbr`
    route_dest: text,
    next_hop: text, // the connection
    weight: integer,
    priority: integer, // 0 but for `pbr`
    published: flag,
    derived: flag, // AutoConfigRoute made it from the subnets of its connection
    description: text,
    created_at: bigint,
  },

  tag: { account_id: text, region: text, resource_type: text, resource_id: text, key: text, value: text },

  /** An answer already given for a `ClientToken`, and a hash of what was asked. */
  client_token: {
    account_id: text,
    region: text,
    action: text,
    token: text,
    params_hash: text,
    result: sealed, // JSON; sealed because an answer may hold a pre-shared key
    created_at: bigint,
  },

  /** Rows per list, kept in the transaction that adds or removes one, so that `TotalCount` counts nothing. */
  resource_count: { account_id: text, region: text, kind: text, scope: text, count: integer },

  gateway_observation: {
    gateway_id: text,
    observed_generation: integer,
    condition_code: nullable(text), // null: as wanted
    condition_message: nullable(text),
    at: bigint,
  },

  tunnel_observation: {
    tunnel_id: text,
    connection_id: text,
    observed_generation: integer,
    facts: json,
    ike_established: integer, // number of SAs
    child_installed: integer,
    phase2_failed: flag,
    bgp_established: nullable(flag), // null: no session is wanted
    probe_succeeding: nullable(flag), // null: no health check is wanted
    reason_code: nullable(text),
    reason_since: nullable(bigint),
    reason_evidence: nullable(json), // string[]
    reported_at: bigint,
    rate_in: nullable(bigint), // bit/s up to the report
    rate_out: nullable(bigint),
    version: integer,
  },

  /** Who is signed in to the console. The token is the browser's; `proof` is its HMAC under the secret of the key. */
  console_session: { id: text, access_key_id: text, proof: text, created_at: bigint, expires_at: bigint },

  /** What Status and reason of a tunnel changed to; kept when the connection is gone, up to a bound. */
  tunnel_change: {
    seq: bigint,
    account_id: text,
    region: text,
    connection_id: text,
    tunnel_id: text,
    at: bigint,
    status: text,
    reason_code: nullable(text),
    evidence: nullable(json), // string[]
  },

  /** What a tunnel carried, and for how long it was up, in one span of time. */
  tunnel_sample: {
    tunnel_id: text,
    connection_id: text,
    span: integer, // seconds
    at: bigint, // begin of the span
    observed_ms: integer,
    up_ms: integer,
    bytes_in: bigint,
    bytes_out: bigint,
    packets_in: bigint,
    packets_out: bigint,
    probes_answered: integer,
    probes_lost: integer,
    rtt_us: bigint, // of the answered ones together
  },

  /** Where events of tunnels are sent to. Account and region are empty for the one of the configuration. */
  webhook: {
    seq: bigint,
    id: text,
    account_id: text,
    region: text,
    url: text,
    secret_sealed: sealed,
    events: json, // names; empty for all
    created_at: bigint,
    last_status: nullable(text),
    last_at: nullable(bigint),
    delivered: integer,
    dropped: integer,
  },

  /** Events that wait for a webhook, in order. */
  webhook_delivery: {
    seq: bigint,
    webhook_id: text,
    event_id: text,
    body: json,
    attempts: integer,
    next_at: bigint,
    created_at: bigint,
  },

  /** A diagnosis of a connection on its gateway, and what it has found so far. */
  vpn_diagnosis: {
    seq: bigint,
    id: text,
    account_id: text,
    region: text,
    vpn_gateway_id: text,
    connection_id: text,
    source_ip: nullable(text), // both: the way through the tunnel is tried as well
    destination_ip: nullable(text),
    items: json, // DiagnosisItem[]
    began_at: bigint,
    finished_at: nullable(bigint),
  },

  /** One row: the last `seq` given out. */
  creation: { last_seq: bigint },

  /** Facts about this database itself. */
  setting: { name: text, value: text },

  migration: { name: text, applied_at: bigint },
} as const

type Tables = typeof tables

/** For Kysely: table name -> column name -> type. A nullable column may be left out of an insert. */
export type Schema = {
  [T in keyof Tables]: { [C in keyof Tables[T]]: Tables[T][C] extends Column<infer V> ? V : never }
}

/** A row as it is read, as it is inserted, and as a change to it. */
export type Row<T extends keyof Schema> = Selectable<Schema[T]>
export type NewRow<T extends keyof Schema> = Insertable<Schema[T]>
export type RowChange<T extends keyof Schema> = Updateable<Schema[T]>
