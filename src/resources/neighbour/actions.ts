import { type Action, action, type Call } from '../../rpc/action.ts'
import type { ResourceContext } from '../context.ts'
import { describeEndpoints, listResourceGroups, queryAvailableInstances } from './spec.ts'
import { listGroups } from './store.ts'

/** The name by which the caller has reached us, with its port: it leads here again, whatever we know of addresses. */
function calledAs({ headers }: Call): string {
  for (let at = 0; at < headers.length; at += 2) if (/^host$/i.test(headers[at]!)) return headers[at + 1]!
  return ''
}

export function neighbourActions({ db }: ResourceContext): Action[] {
  return [
    action(listResourceGroups, async (input, { principal }) => {
      const all = await listGroups(db.kysely, principal.accountId)
      const asked = [input.ResourceGroupId, input.Name, input.DisplayName]
      const groups = all.filter(
        (id) =>
          asked.every((wanted) => wanted === undefined || wanted === id) && (input.Status ?? 'OK') === 'OK',
      )
      const first = (input.PageNumber - 1) * input.PageSize
      return {
        PageNumber: input.PageNumber,
        PageSize: input.PageSize,
        TotalCount: groups.length,
        // A group is nothing but its name here.
        ResourceGroups: groups.slice(first, first + input.PageSize).map((id) => ({
          AccountId: principal.accountId,
          DisplayName: id,
          Id: id,
          Name: id,
          Status: 'OK',
        })),
      }
    }),

    action(describeEndpoints, ({ Id, ServiceCode, Type }, call) => ({
      Endpoints: [
        {
          Endpoint: calledAs(call),
          Id,
          Namespace: '',
          Protocols: ['HTTP', 'HTTPS'],
          SerivceCode: ServiceCode,
          Type,
        },
      ],
      Success: true,
    })),

    action(queryAvailableInstances, ({ PageNum, PageSize }) => ({
      Code: 'Success',
      Data: { InstanceList: [], PageNum, PageSize, TotalCount: 0 },
      Message: 'Successful!',
      Success: true,
    })),
  ]
}
