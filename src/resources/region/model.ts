/** Regions and zones of the vendor that this server answers for. Names: help page "Regions and zones", 2026. */

interface Region {
  readonly id: string
  /** Three characters that ids of this region begin with; those of Hangzhou, Shanghai, Qingdao, Sydney and Frankfurt as published. */
  readonly code: string
  readonly zh: string
  readonly en: string
}

const region = (id: string, code: string, zh: string, en: string): Region => ({ id, code, zh, en })

export const regions: readonly Region[] = [
  region('cn-qingdao', 'm5e', '华北1（青岛）', 'China (Qingdao)'),
  region('cn-beijing', '2ze', '华北2（北京）', 'China (Beijing)'),
  region('cn-zhangjiakou', '8vb', '华北3（张家口）', 'China (Zhangjiakou)'),
  region('cn-huhehaote', 'hp3', '华北5（呼和浩特）', 'China (Hohhot)'),
  region('cn-wulanchabu', '0jl', '华北6（乌兰察布）', 'China (Ulanqab)'),
  region('cn-hangzhou', 'bp1', '华东1（杭州）', 'China (Hangzhou)'),
  region('cn-shanghai', 'uf6', '华东2（上海）', 'China (Shanghai)'),
  region('cn-nanjing', 'gc7', '华东5（南京-本地地域）', 'China (Nanjing - Local Region)'),
  region('cn-shenzhen', 'wz9', '华南1（深圳）', 'China (Shenzhen)'),
  region('cn-heyuan', 'f8z', '华南2（河源）', 'China (Heyuan)'),
  region('cn-guangzhou', '7xv', '华南3（广州）', 'China (Guangzhou)'),
  region('cn-chengdu', '2vc', '西南1（成都）', 'China (Chengdu)'),
  region('cn-hongkong', 'j6c', '中国香港', 'China (Hong Kong)'),
  region('ap-northeast-1', '6we', '日本（东京）', 'Japan (Tokyo)'),
  region('ap-northeast-2', 'mj7', '韩国（首尔）', 'South Korea (Seoul)'),
  region('ap-southeast-1', 't4n', '新加坡', 'Singapore'),
  region('ap-southeast-2', 'p0w', '澳大利亚（悉尼）', 'Australia (Sydney)'),
  region('ap-southeast-3', '8ps', '马来西亚（吉隆坡）', 'Malaysia (Kuala Lumpur)'),
  region('ap-southeast-5', 'k1a', '印度尼西亚（雅加达）', 'Indonesia (Jakarta)'),
  region('ap-southeast-6', '5ts', '菲律宾（马尼拉）', 'Philippines (Manila)'),
  region('ap-southeast-7', '0jo', '泰国（曼谷）', 'Thailand (Bangkok)'),
  region('eu-central-1', 'gw8', '德国（法兰克福）', 'Germany (Frankfurt)'),
  region('eu-west-1', 'd7o', '英国（伦敦）', 'UK (London)'),
  region('us-east-1', '0xi', '美国（弗吉尼亚）', 'US (Virginia)'),
  region('us-west-1', 'rj9', '美国（硅谷）', 'US (Silicon Valley)'),
  region('me-east-1', 'eb3', '阿联酋（迪拜）', 'UAE (Dubai)'),
  region('me-central-1', 'l4v', '沙特（利雅得）', 'SAU (Riyadh - Partner Region)'),
]

const codes = new Map(regions.map(({ id, code }) => [id, code]))

export const regionIds: ReadonlySet<string> = new Set(codes.keys())

export function regionCode(id: string): string {
  const code = codes.get(id)
  if (!code) throw new Error(`no region ${id}`)
  return code
}

const zoneLetters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']

/** `cn-hangzhou-b`, but `eu-central-1b`: the hyphen is left out after a digit. */
export function zonesOf(regionId: string): readonly { readonly id: string; readonly letter: string }[] {
  const stem = /\d$/.test(regionId) ? regionId : `${regionId}-`
  return zoneLetters.map((letter) => ({ id: `${stem}${letter}`, letter }))
}

export function isZoneOf(regionId: string, zoneId: string): boolean {
  return zonesOf(regionId).some(({ id }) => id === zoneId)
}
