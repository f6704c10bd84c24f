/**
 * The configuration file of one charon (strongswan.conf(5)). Pure.
 *
 * Connections and keys are not in it: they come over VICI.
 */
import type { KernelMode } from './kernel-mode.ts'

export interface CharonConf {
  readonly mode: KernelMode
  /** Folder of the socket and the log. */
  readonly runDir: string
  /** Some connection answers in aggressive mode with a pre-shared key. The switch is one for the whole daemon. */
  readonly aggressive: boolean
  readonly retransmit: Retransmit
}

/** `timeout` s is waited for the first answer, `base` times longer for each of the following `tries`. */
export interface Retransmit {
  readonly timeout: number
  readonly base: number
  readonly tries: number
}

/** Gives up after about 32 s; the daemon's own values need 165 s. */
export const defaultRetransmit: Retransmit = { timeout: 2, base: 1.6, tries: 4 }

const plugins = (mode: KernelMode) => [
  ...['random', 'nonce', 'aes', 'sha1', 'sha2', 'hmac', 'md5', 'gmp', 'curve25519'],
  ...['pem', 'pkcs1', 'pkcs8', 'x509', 'pubkey', 'constraints', 'openssl', 'kdf', 'counters'],
  // It must stand before kernel-netlink, or the kernel is asked to carry ESP.
  ...(mode === 'U' ? ['kernel-libipsec'] : []),
  ...['kernel-netlink', 'socket-default', 'vici'],
]

export const viciSocket = (runDir: string) => `${runDir}/vici.sock`
export const charonLog = (runDir: string) => `${runDir}/charon.log`

export function renderCharonConf({ mode, runDir, aggressive, retransmit }: CharonConf): string {
  return `charon {
  load = ${plugins(mode).join(' ')}
  install_virtual_ip = no
  # Routes are ours. libipsec installs its own whatever this says: behind the main table they capture nothing.
  install_routes = no
  routing_table_prio = 40000
  threads = ${mode === 'U' ? 16 : 32}
  ikesa_table_size = ${mode === 'U' ? 16 : 4096}
  ikesa_table_segments = ${mode === 'U' ? 4 : 32}
  # Half-open IKE_SAs from one address before it is refused: several connections may stand behind one NAT.
  block_threshold = 50
  cookie_threshold = 100
  init_limit_half_open = 500
  half_open_timeout = 30
  retransmit_timeout = ${retransmit.timeout}
  retransmit_base = ${retransmit.base}
  retransmit_tries = ${retransmit.tries}
  i_dont_care_about_security_and_use_aggressive_mode_psk = ${aggressive ? 'yes' : 'no'}
  filelog {
    main {
      path = ${charonLog(runDir)}
      # Level 2 would print keys.
      default = 1
      ike_name = yes
      time_format = %Y-%m-%dT%H:%M:%S
      flush_line = yes
    }
  }
  plugins {
    vici {
      socket = unix://${viciSocket(runDir)}
    }
  }
}
`
}
