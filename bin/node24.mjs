/** Where Node 24 is. Plain JavaScript for Node 20: it runs before it is known which Node runs it. */
import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What setup and the command's shim themselves need. */
export const oldestNode = 20

/**
 * Path of a Node that runs TypeScript as it is: this one when it is new enough, else the one that npm installed
 * with the packages of this project. `undefined` when there is neither.
 */
export function findNode24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const installed = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
  try {
    accessSync(installed, constants.X_OK)
    return installed
  } catch {
    return undefined
  }
}
