import { randomBytes } from 'node:crypto'
import { regionCode } from './region/model.ts'

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

export type IdPrefix = 'vpn' | 'cgw' | 'vco' | 'tun' | 'vpc' | 'vsw' | 'vrt' | 'vtb' | 'whk' | 'vpndgn'

/** `<prefix>-` and 21 characters of `[a-z0-9]`, the first three naming the region, as in the vendor's samples. */
export function newId(prefix: IdPrefix, region: string): string {
  let random = ''
  while (random.length < 18) {
    for (const byte of randomBytes(24)) {
      // 252 = 7 x 36: bytes above would favour the first letters.
      if (byte < 252 && random.length < 18) random += alphabet[byte % 36]
    }
  }
  return `${prefix}-${regionCode(region)}${random}`
}
