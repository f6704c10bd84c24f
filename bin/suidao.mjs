#!/usr/bin/env node
/** The command `suidao`: finds Node 24, which runs the TypeScript source as it is, and hands over to src/cli.ts. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { findNode24 } from './node24.mjs'
import { packedKysely } from './packed.mjs'

const isThere = (path) => existsSync(new URL(path, import.meta.url))
const isInstalled = () => {
  try {
    return module.createRequire(import.meta.url).resolve('kysely') !== ''
  } catch {
    return false
  }
}

const node = isInstalled() ? findNode24() : undefined

if (node === undefined) {
  console.error(
    'suidao: the npm packages or Node 24 are missing here. In the folder of the project run: npm run setup',
  )
  process.exitCode = 3
} else if (node === process.execPath) {
  // What Node makes of the sources is kept for the next start: it takes half the time then, and 25 MB less memory,
  // since nothing has to be stripped of its types. In our own folder: nobody else may write what we run.
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/suidao', import.meta.url)))
  // Who has installed the package has what it needs beside it, and nothing packed.
  const packed = isThere('../node_modules/kysely') ? packedKysely().file : undefined
  if (packed && existsSync(packed)) {
    const url = pathToFileURL(packed).href
    module.registerHooks({
      resolve: (specifier, context, next) =>
        specifier === 'kysely' ? { url, format: 'module', shortCircuit: true } : next(specifier, context),
    })
  }
  // The package that is installed has JavaScript in the same place (scripts/package.ts).
  const { runCli } = await import(isThere('../src/cli.ts') ? '../src/cli.ts' : '../src/cli.js')
  module.flushCompileCache()
  process.exitCode = await runCli(process.argv.slice(2))
} else {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C on a terminal reaches both processes by itself; any other signal was sent to this one alone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    console.error(`suidao: cannot run ${node}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
