/** Every kind of device that a text can be made for. */
import { renderCiscoIos } from './cisco-ios.ts'
import { renderFortios } from './fortios.ts'
import { renderJunos } from './junos.ts'
import type { PeerSettings } from './model.ts'
import { renderStrongswan } from './strongswan.ts'
import { renderVyos } from './vyos.ts'

export const peerFormats = {
  strongswan: renderStrongswan,
  vyos: renderVyos,
  'cisco-ios': renderCiscoIos,
  fortios: renderFortios,
  junos: renderJunos,
} as const satisfies Readonly<Record<string, (settings: PeerSettings) => string>>

export type PeerFormat = keyof typeof peerFormats

export const peerFormatNames = Object.keys(peerFormats) as PeerFormat[]
