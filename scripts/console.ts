/** Builds the web console into console/dist, each text file also packed for browsers that take gzip: `npm run console:build`. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = join(dirname(import.meta.dirname), 'console')

await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
let bytes = 0
let packedBytes = 0
for (const file of globSync('dist/**/*.{js,css,svg}', { cwd: root })) {
  const content = readFileSync(join(root, file))
  const packed = gzipSync(content, { level: constants.Z_BEST_COMPRESSION })
  writeFileSync(join(root, `${file}.gz`), packed)
  bytes += content.length
  packedBytes += packed.length
}
const kb = (count: number) => `${Math.round(count / 1000)} kB`
console.log(`console/dist: ${kb(bytes)}, ${kb(packedBytes)} packed`)
