/**
 * Groups of parameters and answer fields that the actions on destination, policy and connection routes share.
 * Values: API descriptions of CreateVpnRouteEntry, CreateVpnPbrRouteEntry and CreateVcoRouteEntry, August 2026.
 */
import type { ParamFields } from '../../rpc/spec.ts'
import { clientToken, text256 } from '../patterns.ts'

/** 0: not used unless the other of its pair is down; 100: used. */
export const weight = { type: 'integer', enum: [0, 100] } as const
/** 1 comes first. */
export const priority = { type: 'integer', min: 1, max: 100 } as const
export const overlayMode = { type: 'string', enum: ['Ipsec'], default: 'Ipsec' } as const

/** What names a route, beside the gateway or connection it belongs to. */
export const destinationRoute = {
  NextHop: { type: 'string', required: true },
  RouteDest: { type: 'string', required: true },
} as const satisfies ParamFields

export const weightedRoute = {
  ...destinationRoute,
  Weight: { ...weight, required: true },
} as const satisfies ParamFields

export const policyRoute = {
  ...weightedRoute,
  RouteSource: { type: 'string', required: true },
} as const satisfies ParamFields

/** Of a new route. */
export const newRoute = {
  ClientToken: { type: 'string', pattern: clientToken },
  Description: { type: 'string', pattern: text256, illegal: 'InvalidDescription' },
  DryRun: { type: 'boolean', default: false },
  OverlayMode: overlayMode,
} as const satisfies ParamFields

export const newRouteResult = {
  CreateTime: { type: 'number' },
  Description: { type: 'string' },
  NextHop: { type: 'string' },
  OverlayMode: { type: 'string' },
  RouteDest: { type: 'string' },
  State: { type: 'string' },
  Weight: { type: 'number' },
} as const

/** How many routes of each origin. */
export const routeCountFields = {
  RouteCount: { type: 'number' },
  RouteEntryType: { type: 'string' },
  Source: { type: 'string' },
} as const

/** A destination route, set by hand or learned by BGP. */
export const listedRoute = {
  AsPath: { type: 'string' },
  Community: { type: 'string' },
  CreateTime: { type: 'number' },
  NextHop: { type: 'string' },
  RouteDest: { type: 'string' },
  RouteEntryType: { type: 'string' },
  Source: { type: 'string' },
  State: { type: 'string' },
  Weight: { type: 'number' },
} as const
