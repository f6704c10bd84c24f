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
  // In the project's own packages, or beside it in those of whoever has installed it.
  return ['../node_modules/.bin/node', '../../.bin/node']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find(isExecutable)
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
