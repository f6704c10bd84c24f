import { type Action, action } from '../../rpc/action.ts'
import { regions, zonesOf } from './model.ts'
import { describeRegions, describeZones } from './spec.ts'

/** `endpoint` is what `RegionEndpoint` says: this server's own host name, since the vendor's would not lead here. */
export function regionActions(served: ReadonlySet<string>, endpoint: string): Action[] {
  return [
    action(describeRegions, ({ AcceptLanguage }) => ({
      Regions: regions
        .filter(({ id }) => served.has(id))
        .map(({ id, zh, en }) => ({
          RegionId: id,
          LocalName: AcceptLanguage === 'en-US' ? en : zh,
          RegionEndpoint: endpoint,
        })),
    })),

    action(describeZones, ({ AcceptLanguage }, { region }) => ({
      Zones: zonesOf(region).map(({ id, letter }) => ({
        ZoneId: id,
        LocalName:
          AcceptLanguage === 'en-us' ? `Zone ${letter.toUpperCase()}` : `可用区 ${letter.toUpperCase()}`,
        ZoneType: 'AvailabilityZone',
      })),
    })),
  ]
}
