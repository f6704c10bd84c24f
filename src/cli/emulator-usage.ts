/** Options of `suidao emulator`, for its help; apart, so that help loads no server. */
import { profileNames } from '../engine/simulated/durations.ts'

export const emulatorUsage = [
  ['--port <number>', 'where the API answers; 8480 unless given, 0 takes a free one'],
  ['--control-port <number>', 'where the control listener answers; a free one unless given'],
  ['--host <address>', 'of both listeners; 127.0.0.1 unless given'],
  ['--ready-file <file>', 'JSON written when it answers: endpoint, control, key, and what the scenario made'],
  ['--scenario <name>', 'resources and a world by one word; see docs/emulator.md'],
  ['--profile <name>', `how long things take: ${profileNames.join(', ')}; instant unless given`],
  ['--seed <number>', 'what is drawn; the same seed and calls give the same events'],
  ['--speed <number>', 'seconds of the emulator in a real one; 0 stands still until it is stepped'],
  ['--start <time>', 'when its clock begins, e.g. 2026-11-25T00:00:00Z'],
  ['--data memory | <folder>', 'where the store is; memory unless given: nothing is left behind'],
] as const
