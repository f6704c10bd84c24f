/** The emulator's control interface, as far as the console reaches it. */
import { queryOptions } from '@tanstack/react-query'
import { createControlClient } from '../../src/emulator/client.ts'

export const lab = createControlClient(`${location.origin}/console/lab`, { 'X-Suidao-Console': '1' })

const often = { refetchInterval: 2_000 } as const

export const faults = (enabled: boolean) =>
  queryOptions({ queryKey: ['lab', 'faults'], queryFn: () => lab.faults(), enabled, ...often })
export const clock = queryOptions({ queryKey: ['lab', 'clock'], queryFn: () => lab.clock(), ...often })
export const scenarios = queryOptions({ queryKey: ['lab', 'scenarios'], queryFn: () => lab.scenarios() })
export const calls = queryOptions({ queryKey: ['lab', 'calls'], queryFn: () => lab.calls(), ...often })
