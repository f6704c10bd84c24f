/**
 * Logs of real daemons as text files, and their replay.
 *
 * Header lines begin with `#`. Then, in order of arrival, `<ms> <group> <level> <IKE_SA or -> <connection or -> <text>`
 * for a line of the log, and `<ms> SAS up|down <newest established IKE_SA or ->` for what `list-sas` said after an
 * up or down event.
 */

import type { Failure, Tunnel } from '../../engine.ts'
import { createFailureLog, type FailureLog, type LogLine } from '../failure-log.ts'

export type Recorded =
  | ({ readonly kind: 'line' } & LogLine)
  | { readonly kind: 'sas'; readonly at: number; readonly up: boolean; readonly newestIke?: string }

export function renderRecording(header: readonly string[], recorded: readonly Recorded[]): string {
  const lines = recorded.map((entry) =>
    entry.kind === 'sas'
      ? `${entry.at} SAS ${entry.up ? 'up' : 'down'} ${entry.newestIke ?? '-'}`
      : `${entry.at} ${entry.group} ${entry.level} ${entry.ikeUniqueId ?? '-'} ${entry.ikeName ?? '-'} ${entry.text.replaceAll('\n', '\\n')}`,
  )
  return [...header.map((text) => `# ${text}`), ...lines, ''].join('\n')
}

export function parseRecording(text: string): { header: readonly string[]; recorded: readonly Recorded[] } {
  const lines = text.split('\n').filter((line) => line !== '')
  const known = (word: string | undefined) => (word === '-' ? undefined : word)
  return {
    header: lines.filter((line) => line.startsWith('# ')).map((line) => line.slice(2)),
    recorded: lines
      .filter((line) => !line.startsWith('# '))
      .map((line) => {
        const [at, group, ...rest] = line.split(' ')
        if (group === 'SAS') {
          return { kind: 'sas', at: Number(at), up: rest[0] === 'up', newestIke: known(rest[1]) }
        }
        const [level, ikeUniqueId, ikeName, ...words] = rest
        return {
          kind: 'line',
          at: Number(at),
          group: group!,
          level: Number(level),
          ikeUniqueId: known(ikeUniqueId),
          ikeName: known(ikeName),
          text: words.join(' '),
        }
      }),
  }
}

/** Everything that was shown while a recording ran, each failure once and as it was in the end. */
export interface Replay {
  readonly log: FailureLog
  readonly shown: readonly Failure[]
  readonly phase2Failed: boolean
}

export function replay(recorded: readonly Recorded[], tunnel: Tunnel): Replay {
  const log = createFailureLog()
  log.watch(tunnel)
  const shown: Failure[] = []
  let phase2Failed = false
  for (const entry of recorded) {
    if (entry.kind === 'line') log.line(entry)
    else log.observed(tunnel.id, entry, entry.at)
    const failure = log.failure(tunnel.id)
    if (failure && failure.code === shown.at(-1)?.code) shown.pop()
    if (failure) shown.push(failure)
    phase2Failed ||= log.phase2Failed(tunnel.id)
  }
  return { log, shown, phase2Failed }
}
