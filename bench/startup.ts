/** From the start of a process to its first signed answer, and what it takes of memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { openDatabase } from '../src/db/open.ts'
import { createAccessKey, createAccount } from '../src/resources/access-key/store.ts'
import { createSealer, loadMasterKey } from '../src/seal.ts'
import { Secret } from '../src/secret.ts'
import { accountId, region, rootKey } from './seed.ts'
import { type Memory, memoryOf, startBare, startSuidao } from './server-process.ts'
import { createSigner } from './signed-request.ts'

/** One request on a connection of its own; the whole answer. @throws when it is not 200 */
export function answerOf(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
      const end = text.indexOf('\r\n\r\n')
      const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
      if (end < 0 || length === undefined || Buffer.byteLength(text) < end + 4 + Number(length)) return
      socket.destroy()
      if (text.startsWith('HTTP/1.1 200 ')) resolve(text)
      else reject(new Error(text))
    })
    socket.on('error', reject)
  })
}

export interface StartUp {
  /** Milliseconds, one for each start. */
  readonly suidao: readonly number[]
  readonly bare: readonly number[]
  readonly atRest: Memory
}

/** Starts both in turns on an empty store. */
export async function measureStartUp(parent: string, starts: number): Promise<StartUp> {
  const dataDir = mkdtempSync(join(parent, 'empty-'))
  const sealer = createSealer(loadMasterKey(join(dataDir, 'master.key')))
  const db = await openDatabase({ kind: 'sqlite', file: join(dataDir, 'suidao.db') })
  await createAccount(db, { id: accountId, name: 'bench' }, Date.now())
  const known = { id: rootKey.id, secret: new Secret(rootKey.secret) }
  await createAccessKey(db, sealer, { accountId, known }, Date.now())
  await db.close()

  const sign = createSigner(rootKey, 'V1', 'JSON')
  const suidao: number[] = []
  const bare: number[] = []
  let atRest: Memory | undefined
  for (let start = 0; start < starts; start++) {
    let began = performance.now()
    const other = startBare()
    const port = await other.answering({ headers: ['Content-Length', '2'], body: '{}' })
    await answerOf(port, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    bare.push(performance.now() - began)
    await other.stop()

    began = performance.now()
    const server = await startSuidao({ dataDir, settings: { SUIDAO_ROLES: 'api' } })
    await answerOf(
      server.port,
      sign(`127.0.0.1:${server.port}`, 'DescribeVpnConnections', { RegionId: region }),
    )
    suidao.push(performance.now() - began)
    atRest = memoryOf(server.pid)
    await server.stop()
  }
  rmSync(dataDir, { recursive: true })
  return { suidao, bare, atRest: atRest! }
}
