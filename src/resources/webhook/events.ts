/** Names of what is sent; apart from `model.ts`, which signs, so that browsers can read the contract of the actions. */

/**
 * The vendor's events of VPN gateways (EventBridge help page "VPN Gateway events", September 2024), and ours for BGP, of
 * which it has none. Levels are those of its page on system events of IPsec-VPN (June 2024).
 */
export const eventTypes = {
  IpsecPhase1NegoFailed: { source: 'CloudMonitor', level: 'WARN', status: 'Failed' },
  IpsecPhase1NegoSuccess: { source: 'CloudMonitor', level: 'INFO', status: 'Normal' },
  IpsecPhase2NegoFailed: { source: 'CloudMonitor', level: 'WARN', status: 'Failed' },
  IpsecPhase2NegoSuccess: { source: 'CloudMonitor', level: 'INFO', status: 'Normal' },
  IpsecHealthCheckFailed: { source: 'CloudMonitor', level: 'WARN', status: 'Failed' },
  IpsecHealthCheckSuccess: { source: 'CloudMonitor', level: 'INFO', status: 'Normal' },
  BgpSessionLost: { source: 'Suidao', level: 'WARN', status: 'Failed' },
  BgpSessionEstablished: { source: 'Suidao', level: 'INFO', status: 'Normal' },
  WebhookTest: { source: 'Suidao', level: 'INFO', status: 'Normal' },
} as const satisfies Readonly<
  Record<
    string,
    { readonly source: 'CloudMonitor' | 'Suidao'; readonly level: 'WARN' | 'INFO'; readonly status: string }
  >
>

export type EventName = Exclude<keyof typeof eventTypes, 'WebhookTest'>

/** Those that can be asked for; a test is always sent. */
export const eventNames = (Object.keys(eventTypes) as (keyof typeof eventTypes)[]).filter(
  (name): name is EventName => name !== 'WebhookTest',
)
