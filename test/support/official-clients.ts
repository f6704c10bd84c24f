/** The official clients, each as one function from action and parameters to the answer. */
import assert from 'node:assert/strict'
import vpc from '@alicloud/vpc20160428'
import { popCore, type TestApp, vpcClient } from './app.ts'

export const RegionId = 'cn-hangzhou'

/** One client as a function from action and parameters to the answer with the vendor's names. */
export type Ask = (action: string, params?: Record<string, unknown>) => Promise<Record<string, any>>

/** `VpnConnectionId` -> `vpnConnectionId`, and back: the typed models have lower-case first letters. */
const lowerFirst = (name: string) => name[0]!.toLowerCase() + name.slice(1)

function typed(client: ReturnType<typeof vpcClient>): Ask {
  return async (action, params = {}) => {
    const Request = (vpc as Record<string, any>)[`${action}Request`]
    const request = Request.from
      ? Request.from({ RegionId, ...params })
      : new Request({ RegionId, ...params })
    const named = Object.fromEntries(
      Object.entries({ RegionId, ...params }).map(([name, value]) => [lowerFirst(name), value]),
    )
    Object.assign(request, named)
    const answer = await (client as Record<string, any>)[lowerFirst(action)](request)
    assert.equal(answer.statusCode, 200)
    return answer.body.toMap()
  }
}

/** Lists and objects as the RPC style has them: `Tag.1.Key`. */
export function flatten(params: Record<string, unknown>, path = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => {
      if (typeof value !== 'object' || value === null) return [[path + name, value]]
      const below = Array.isArray(value)
        ? value.map((item, index) => [index + 1, item])
        : Object.entries(value)
      return Object.entries(flatten(Object.fromEntries(below), `${path}${name}.`))
    }),
  )
}

export const plain =
  (client: ReturnType<typeof popCore>, method: string): Ask =>
  async (action, params = {}) =>
    client.request(action, flatten({ RegionId, ...params }), { method })

export const officialClients: { name: string; make(app: TestApp): Ask }[] = [
  { name: 'pop-core, GET', make: ({ host, root }) => plain(popCore(host, root), 'GET') },
  { name: 'pop-core, POST', make: ({ host, root }) => plain(popCore(host, root), 'POST') },
  { name: 'vpc20160428, ACS3', make: ({ host, root }) => typed(vpcClient(host, root)) },
  { name: 'vpc20160428, RPC V1', make: ({ host, root }) => typed(vpcClient(host, root, 'v2')) },
]

/** Expects a refusal by this code. */
export async function refused(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error: { code?: string }) => {
    assert.equal(error.code, code)
    return true
  })
}
