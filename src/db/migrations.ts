/**
 * How a database comes to the shape of `schema.ts`.
 *
 * The list only grows at its end and a released migration is never edited. All that are missing run in one write
 * transaction, so of several processes that start at once one migrates and the others find it done, and a failure
 * leaves the database as it was (DDL is transactional on both databases).
 */
import { type Kysely, sql, type Transaction } from 'kysely'
import type { Schema } from './schema.ts'

export type DatabaseKind = 'sqlite' | 'postgres'

interface Migration {
  readonly name: string
  statements(kind: DatabaseKind): readonly string[]
}

const noun = (big: string) => `
  seq ${big} primary key,
  id text not null unique,
  account_id text not null,
  region text not null,
  name text not null,
  created_at ${big} not null,
  version integer not null`

export const migrations: readonly Migration[] = [
  {
    name: '0001-nouns',
    statements: (kind) => {
      // SQLite makes a key its row id only under this very name, and is strict about types only when told.
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const end = kind === 'sqlite' ? ') strict' : ')'
      const keyed = kind === 'sqlite' ? ') strict, without rowid' : ')'
      // `..._list` pages a list; `..._of_...` pages it narrowed to an owner, and finds what an owner has.
      return [
        `create table account (id text primary key not null, name text not null, created_at ${big} not null ${end}`,

        `create table access_key (
          id text primary key not null,
          account_id text not null references account (id),
          user_name text,
          status text not null check (status in ('Active', 'Inactive')),
          secret_sealed text not null,
          statements text not null,
          security_token_sealed text,
          expires_at ${big},
          created_at ${big} not null,
          check ((security_token_sealed is null) = (expires_at is null))
        ${end}`,
        'create index access_key_by_account on access_key (account_id, created_at)',

        `create table vpc (${noun(big)}, description text not null, cidr text not null ${end}`,
        'create index vpc_list on vpc (account_id, region, seq)',

        `create table vswitch (${noun(big)},
          vpc_id text not null, zone text not null, description text not null, cidr text not null ${end}`,
        'create index vswitch_list on vswitch (account_id, region, seq)',
        'create index vswitch_of_vpc on vswitch (vpc_id, account_id, region, seq)',

        `create table vpn_gateway (${noun(big)},
          description text not null,
          vpc_id text not null,
          vswitch_id text not null,
          bandwidth integer not null,
          network_type text not null,
          vpn_type text not null,
          charge_type text not null,
          auto_propagate integer not null,
          enable_ipsec integer not null,
          enable_ssl integer not null,
          ssl_connections integer not null,
          resource_group_id text not null,
          internet_ip text not null,
          inside_address text not null,
          slot integer not null unique,
          order_id ${big} not null,
          business_status text not null,
          end_time ${big} not null,
          deleted_at ${big},
          generation integer not null
        ${end}`,
        'create index vpn_gateway_list on vpn_gateway (account_id, region, seq)',
        'create index vpn_gateway_of_vpc on vpn_gateway (vpc_id, account_id, region, seq)',
        'create index vpn_gateway_of_vswitch on vpn_gateway (vswitch_id)',

        `create table customer_gateway (${noun(big)},
          description text not null,
          ip_address text not null,
          asn ${big},
          auth_key_sealed text,
          resource_group_id text not null
        ${end}`,
        'create index customer_gateway_list on customer_gateway (account_id, region, seq)',

        `create table vpn_connection (${noun(big)},
          vpn_gateway_id text not null,
          customer_gateway_id text not null,
          local_subnet text not null,
          remote_subnet text not null,
          effect_immediately integer not null,
          enable_dpd integer not null,
          enable_nat_traversal integer not null,
          auto_config_route integer not null,
          ike_version text not null,
          ike_mode text not null,
          ike_enc_alg text not null,
          ike_auth_alg text not null,
          ike_pfs text not null,
          ike_lifetime integer not null,
          local_id text not null,
          remote_id text not null,
          psk_sealed text not null,
          ipsec_enc_alg text not null,
          ipsec_auth_alg text not null,
          ipsec_pfs text not null,
          ipsec_lifetime integer not null,
          hc_enable integer not null,
          hc_dip text not null,
          hc_sip text not null,
          hc_interval integer not null,
          hc_retry integer not null,
          hc_policy text not null,
          bgp_enable integer not null,
          bgp_local_asn ${big},
          bgp_tunnel_cidr text,
          bgp_local_ip text,
          remote_ca_certificate text,
          resource_group_id text not null,
          slot integer not null unique,
          deleted_at ${big},
          generation integer not null
        ${end}`,
        'create index vpn_connection_list on vpn_connection (account_id, region, seq)',
        'create index vpn_connection_of_vpn_gateway on vpn_connection (vpn_gateway_id, account_id, region, seq)',
        'create index vpn_connection_of_customer_gateway on vpn_connection (customer_gateway_id, account_id, region, seq)',

        `create table tag (
          account_id text not null,
          region text not null,
          resource_type text not null,
          resource_id text not null,
          key text not null,
          value text not null,
          primary key (account_id, region, resource_type, resource_id, key)
        ${keyed}`,
        'create index tag_lookup on tag (account_id, region, resource_type, key, value)',

        `create table client_token (
          account_id text not null,
          region text not null,
          action text not null,
          token text not null,
          params_hash text not null,
          result text not null,
          created_at ${big} not null,
          primary key (account_id, region, action, token)
        ${end}`,
        'create index client_token_by_age on client_token (created_at)',

        `create table resource_count (
          account_id text not null,
          region text not null,
          kind text not null,
          scope text not null,
          count integer not null,
          primary key (account_id, region, kind, scope)
        ${keyed}`,

        `create table gateway_observation (
          gateway_id text primary key not null,
          observed_generation integer not null,
          condition_code text,
          condition_message text,
          at ${big} not null
        ${end}`,

        `create table tunnel_observation (
          tunnel_id text primary key not null,
          connection_id text not null,
          observed_generation integer not null,
          facts text not null,
          ike_established integer not null,
          child_installed integer not null,
          phase2_failed integer not null,
          bgp_established integer,
          probe_succeeding integer,
          reason_code text,
          reason_since ${big},
          reason_evidence text,
          reported_at ${big} not null,
          version integer not null
        ${end}`,
        'create index tunnel_observation_of_connection on tunnel_observation (connection_id)',

        `create table creation (last_seq ${big} not null ${end}`,
        'insert into creation (last_seq) values (0)',

        `create table setting (name text primary key not null, value text not null ${end}`,
      ]
    },
  },
  {
    name: '0002-roles',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const keyed = kind === 'sqlite' ? ') strict, without rowid' : ')'
      return [
        'alter table access_key add column role_name text',
        'alter table access_key add column session_policy text',
        'create index access_key_by_end on access_key (expires_at)',
        `create table ram_role (
          account_id text not null references account (id),
          name text not null,
          statements text not null,
          max_session integer not null,
          created_at ${big} not null,
          primary key (account_id, name)
        ${keyed}`,
      ]
    },
  },
  {
    name: '0003-tunnels',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const keyed = kind === 'sqlite' ? ') strict, without rowid' : ')'
      const moved = [
        ...['customer_gateway_id', 'enable_dpd', 'enable_nat_traversal'],
        ...['ike_version', 'ike_mode', 'ike_enc_alg', 'ike_auth_alg', 'ike_pfs', 'ike_lifetime'],
        ...['local_id', 'remote_id', 'psk_sealed'],
        ...['ipsec_enc_alg', 'ipsec_auth_alg', 'ipsec_pfs', 'ipsec_lifetime'],
        ...['bgp_local_asn', 'bgp_tunnel_cidr', 'bgp_local_ip', 'remote_ca_certificate'],
        ...['slot', 'generation'],
      ]
      return [
        `create table vpn_tunnel (
          connection_id text not null,
          position integer not null check (position in (1, 2)),
          id text not null unique,
          role text not null check (role in ('master', 'slave')),
          customer_gateway_id text not null,
          enable_dpd integer not null,
          enable_nat_traversal integer not null,
          ike_version text not null,
          ike_mode text not null,
          ike_enc_alg text not null,
          ike_auth_alg text not null,
          ike_pfs text not null,
          ike_lifetime integer not null,
          local_id text not null,
          remote_id text not null,
          psk_sealed text not null,
          ipsec_enc_alg text not null,
          ipsec_auth_alg text not null,
          ipsec_pfs text not null,
          ipsec_lifetime integer not null,
          bgp_local_asn ${big},
          bgp_tunnel_cidr text,
          bgp_local_ip text,
          remote_ca_certificate text,
          slot integer not null unique,
          generation integer not null,
          primary key (connection_id, position)
        ${keyed}`,
        `insert into vpn_tunnel (connection_id, position, id, role, ${moved.join(', ')})
          select id, 1, id, 'master', ${moved.join(', ')} from vpn_connection`,
        'create index vpn_tunnel_of_customer_gateway on vpn_tunnel (customer_gateway_id, connection_id)',
        'drop index vpn_connection_of_customer_gateway',
        ...(kind === 'sqlite'
          ? // A column that is unique cannot be dropped: the table is made anew.
            [
              `create table vpn_connection_new (${noun(big)},
                vpn_gateway_id text not null,
                local_subnet text not null,
                remote_subnet text not null,
                effect_immediately integer not null,
                auto_config_route integer not null,
                hc_enable integer not null,
                hc_dip text not null,
                hc_sip text not null,
                hc_interval integer not null,
                hc_retry integer not null,
                hc_policy text not null,
                bgp_enable integer not null,
                dual integer not null default 0,
                resource_group_id text not null,
                deleted_at integer
              ) strict`,
              `insert into vpn_connection_new
                select seq, id, account_id, region, name, created_at, version, vpn_gateway_id, local_subnet,
                  remote_subnet, effect_immediately, auto_config_route, hc_enable, hc_dip, hc_sip, hc_interval,
                  hc_retry, hc_policy, bgp_enable, 0, resource_group_id, deleted_at
                from vpn_connection`,
              'drop table vpn_connection',
              'alter table vpn_connection_new rename to vpn_connection',
              'create index vpn_connection_list on vpn_connection (account_id, region, seq)',
              'create index vpn_connection_of_vpn_gateway on vpn_connection (vpn_gateway_id, account_id, region, seq)',
            ]
          : [
              `alter table vpn_connection ${moved.map((column) => `drop column ${column}`).join(', ')}`,
              'alter table vpn_connection add column dual integer not null default 0',
            ]),
        // Counted per customer gateway no more: a connection may have two of them.
        `delete from resource_count where kind = 'vpn_connection'
          and scope in (select id from customer_gateway)`,
        'alter table vpn_gateway add column second_vswitch_id text',
        'alter table vpn_gateway add column second_internet_ip text',
        'create index vpn_gateway_of_second_vswitch on vpn_gateway (second_vswitch_id)',
      ]
    },
  },
  {
    name: '0004-route-entries',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const end = kind === 'sqlite' ? ') strict' : ')'
      return [
        `create table route_entry (
          seq ${big} primary key not null,
          kind text not null check (kind in ('dbr', 'pbr', 'vco')),
          owner_id text not null,
          route_source text not null,
          route_dest text not null,
          next_hop text not null,
          weight integer not null,
          priority integer not null,
          published integer not null,
          derived integer not null,
          description text not null,
          created_at ${big} not null,
          unique (owner_id, kind, route_dest, route_source, next_hop, priority)
        ${end}`,
        'create index route_entry_list on route_entry (owner_id, kind, seq)',
        'create index route_entry_of_next_hop on route_entry (next_hop)',
      ]
    },
  },
  {
    name: '0005-attachments',
    statements: () => ["alter table vpn_gateway add column kind text not null default 'gateway'"],
  },
  {
    name: '0006-console-and-history',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const end = kind === 'sqlite' ? ') strict' : ')'
      const keyed = kind === 'sqlite' ? ') strict, without rowid' : ')'
      return [
        `create table console_session (
          id text primary key not null,
          access_key_id text not null,
          proof text not null,
          created_at ${big} not null,
          expires_at ${big} not null
        ${end}`,
        'create index console_session_by_end on console_session (expires_at)',

        `create table tunnel_change (
          seq ${big} primary key,
          account_id text not null,
          region text not null,
          connection_id text not null,
          tunnel_id text not null,
          at ${big} not null,
          status text not null,
          reason_code text,
          evidence text
        ${end}`,
        'create index tunnel_change_list on tunnel_change (account_id, region, seq)',
        'create index tunnel_change_of_connection on tunnel_change (connection_id, seq)',

        `create table tunnel_sample (
          tunnel_id text not null,
          connection_id text not null,
          span integer not null,
          at ${big} not null,
          observed_ms integer not null,
          up_ms integer not null,
          bytes_in ${big} not null,
          bytes_out ${big} not null,
          packets_in ${big} not null,
          packets_out ${big} not null,
          primary key (tunnel_id, span, at)
        ${keyed}`,
        'create index tunnel_sample_by_age on tunnel_sample (span, at)',
      ]
    },
  },
  {
    name: '0007-webhooks',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const end = kind === 'sqlite' ? ') strict' : ')'
      return [
        `create table webhook (
          seq ${big} primary key not null,
          id text not null unique,
          account_id text not null,
          region text not null,
          url text not null,
          secret_sealed text not null,
          events text not null,
          created_at ${big} not null,
          last_status text,
          last_at ${big},
          delivered integer not null,
          dropped integer not null
        ${end}`,
        'create index webhook_list on webhook (account_id, region, seq)',
        `create table webhook_delivery (
          seq ${big} primary key not null,
          webhook_id text not null,
          event_id text not null,
          body text not null,
          attempts integer not null,
          next_at ${big} not null,
          created_at ${big} not null
        ${end}`,
        'create index webhook_delivery_queue on webhook_delivery (webhook_id, seq)',
      ]
    },
  },
  {
    name: '0008-diagnoses',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const end = kind === 'sqlite' ? ') strict' : ')'
      return [
        `create table vpn_diagnosis (
          seq ${big} primary key not null,
          id text not null unique,
          account_id text not null,
          region text not null,
          vpn_gateway_id text not null,
          connection_id text not null,
          source_ip text,
          destination_ip text,
          items text not null,
          began_at ${big} not null,
          finished_at ${big}
        ${end}`,
        'create index vpn_diagnosis_of_gateway on vpn_diagnosis (vpn_gateway_id, seq)',
      ]
    },
  },
  {
    name: '0009-certificates',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const end = kind === 'sqlite' ? ') strict' : ')'
      return [
        `create table certificate_authority (
          kind text primary key not null check (kind in ('rsa', 'ecdsa')),
          certificate text not null,
          key_sealed text not null,
          not_after ${big} not null,
          created_at ${big} not null
        ${end}`,
        `create table tunnel_certificate (
          tunnel_id text primary key not null,
          kind text not null,
          identity text not null,
          certificate text not null,
          key_sealed text not null,
          not_after ${big} not null
        ${end}`,
      ]
    },
  },
  {
    name: '0010-probes-and-rates',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      return [
        'alter table tunnel_sample add column probes_answered integer not null default 0',
        'alter table tunnel_sample add column probes_lost integer not null default 0',
        `alter table tunnel_sample add column rtt_us ${big} not null default 0`,
        `alter table tunnel_observation add column rate_in ${big}`,
        `alter table tunnel_observation add column rate_out ${big}`,
      ]
    },
  },
  {
    name: '0011-tunnel-control',
    statements: (kind) => [
      `alter table vpn_tunnel add column stopped_at ${kind === 'sqlite' ? 'integer' : 'bigint'}`,
      'alter table vpn_tunnel add column restarts integer not null default 0',
      'alter table vpn_tunnel add column rekeys integer not null default 0',
    ],
  },
  {
    name: '0012-users-and-policies',
    statements: (kind) => {
      const big = kind === 'sqlite' ? 'integer' : 'bigint'
      const end = kind === 'sqlite' ? ') strict' : ')'
      return [
        `create table ram_user (
          account_id text not null,
          name text not null,
          display_name text not null,
          email text not null,
          mobile_phone text not null,
          comments text not null,
          created_at ${big} not null,
          updated_at ${big} not null,
          primary key (account_id, name)
        ${end}`,
        `create table ram_policy (
          account_id text not null,
          name text not null,
          description text not null,
          document text not null,
          version integer not null,
          created_at ${big} not null,
          updated_at ${big} not null,
          primary key (account_id, name)
        ${end}`,
        `create table ram_attachment (
          account_id text not null,
          entity_kind text not null check (entity_kind in ('user', 'role')),
          entity_name text not null,
          policy_type text not null check (policy_type in ('System', 'Custom')),
          policy_name text not null,
          attached_at ${big} not null,
          primary key (account_id, entity_kind, entity_name, policy_type, policy_name)
        ${end}`,
        // Users were names of keys.
        `insert into ram_user
          select account_id, user_name, user_name, '', '', '', min(created_at), min(created_at) from access_key
          where user_name is not null and role_name is null group by account_id, user_name`,
      ]
    },
  },
  {
    name: '0013-trust-of-roles',
    statements: (kind) => {
      const trust = `'{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::'
        || account_id || ':root"]}}]}'`
      return [
        "alter table ram_role add column description text not null default ''",
        "alter table ram_role add column trust text not null default ''",
        `alter table ram_role add column updated_at ${kind === 'sqlite' ? 'integer' : 'bigint'} not null default 0`,
        // Whoever a policy let take it on could do so.
        `update ram_role set trust = ${trust}, updated_at = created_at`,
      ]
    },
  },
]

/**
 * Runs what is missing. `trx` must be a write transaction.
 *
 * @throws when the database has been migrated by a newer version of this program, or by something else.
 */
export async function migrate(trx: Transaction<Schema>, kind: DatabaseKind, now: number): Promise<void> {
  const big = kind === 'sqlite' ? 'integer' : 'bigint'
  await sql
    .raw(`create table if not exists migration (name text primary key not null, applied_at ${big} not null)`)
    .execute(trx)
  const applied = await appliedMigrations(trx)
  const unknown = applied.find((name, index) => name !== migrations[index]?.name)
  if (unknown !== undefined) {
    throw new Error(
      `the database has been migrated with ${unknown}, which this version does not know: run the newer version`,
    )
  }
  for (const migration of migrations.slice(applied.length)) {
    for (const statement of migration.statements(kind)) await sql.raw(statement).execute(trx)
    await trx.insertInto('migration').values({ name: migration.name, applied_at: now }).execute()
  }
}

async function appliedMigrations(db: Kysely<Schema>): Promise<readonly string[]> {
  const rows = await db.selectFrom('migration').select('name').orderBy('name').execute()
  return rows.map((row) => row.name)
}
