/** What of a page stands in its address, so that links, saved views and "back" keep it. */
import { useCallback } from 'react'
import { useSearchParams } from 'wouter'

/**
 * A choice on the page (a search, a filter, an order); `undefined` while there is none. Choosing takes the place of the
 * address that was there: "back" leaves the page, with one step, and comes back to it as it was left.
 */
export function useChoice(
  name: string,
): readonly [value: string | undefined, choose: (value: string | undefined) => void] {
  const [params, setParams] = useSearchParams()
  const choose = useCallback(
    (value: string | undefined) => setParams((before) => withParam(before, name, value), { replace: true }),
    [setParams, name],
  )
  return [params.get(name) ?? undefined, choose]
}

/**
 * What lies open over the page: something of a noun, by its name. Opening is a step, so that "back" closes it.
 *
 * @param noun what other lists of the page do not have
 */
export function useOpened<What extends string>(noun: string) {
  const [params, setParams] = useSearchParams()
  const [of, what, name] = (params.get('open') ?? '').split(':')
  return {
    opened: of === noun && what && name ? { what: what as What, name } : undefined,
    open: (kind: What, of: string) =>
      setParams((before) => withParam(before, 'open', `${noun}:${kind}:${of}`)),
    close: () => setParams((before) => withParam(before, 'open', undefined), { replace: true }),
  }
}

function withParam(before: URLSearchParams, name: string, value: string | undefined): URLSearchParams {
  const after = new URLSearchParams(before)
  if (value) after.set(name, value)
  else after.delete(name)
  return after
}
