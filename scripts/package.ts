/**
 * Makes the package that others install: `npm run package` writes `suidao-<version>.tgz`.
 *
 *     node scripts/package.ts [--out <folder>] [--without-console]
 *
 * Node strips no types inside `node_modules`, so there everything is JavaScript with declarations beside it, in the places
 * where the sources are here. `suidao/testing` comes as a CommonJS module, too, for runners that load nothing else.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import packageJson from '../package.json' with { type: 'json' }

const root = dirname(import.meta.dirname)
const { values } = parseArgs({
  options: { out: { type: 'string', default: root }, 'without-console': { type: 'boolean', default: false } },
})
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })

const folder = mkdtempSync(join(tmpdir(), 'suidao-package-'))
try {
  const config = join(folder, 'tsconfig.json')
  writeFileSync(config, JSON.stringify(compilerConfig()))
  run(join(root, 'node_modules/.bin/tsc'), '-p', config)
  rmSync(config)
  await bundleTesting()
  if (!values['without-console']) {
    run(process.execPath, 'scripts/console.ts')
    cpSync(join(root, 'console/dist'), join(folder, 'console/dist'), { recursive: true })
  }
  for (const name of ['bin', 'deploy', 'docs', 'LICENSE', 'README.md', 'README.zh-CN.md', 'CHANGELOG.md'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published(), null, 2)}\n`)
  const out = resolve(values.out)
  mkdirSync(out, { recursive: true })
  run('npm', 'pack', '--silent', '--pack-destination', out, folder)
  console.log(join(out, `suidao-${packageJson.version}.tgz`))
} finally {
  rmSync(folder, { recursive: true })
}

function compilerConfig() {
  const src = join(root, 'src')
  return {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      ...{ noEmit: false, declaration: true, rewriteRelativeImportExtensions: true },
      ...{ rootDir: src, outDir: join(folder, 'src'), typeRoots: [join(root, 'node_modules/@types')] },
    },
    include: [src],
    exclude: [`${src}/**/*.test.ts`, `${src}/**/testdata`, `${src}/engine/conformance.ts`],
  }
}

/** The helper of test suites as one CommonJS file. */
async function bundleTesting(): Promise<void> {
  const bundle = await rolldown({
    input: join(folder, 'src/testing.js'),
    platform: 'node',
    logLevel: 'silent',
  })
  await bundle.write({ file: join(folder, 'src/testing.cjs'), format: 'cjs' })
  await bundle.close()
}

function published() {
  const { name, version, description, license, type, engines, bin } = packageJson
  const { dependencies, optionalDependencies } = packageJson
  return {
    ...{ name, version, description, license, type, engines, bin, dependencies, optionalDependencies },
    exports: {
      './testing': {
        types: './src/testing.d.ts',
        require: './src/testing.cjs',
        default: './src/testing.js',
      },
      './package.json': './package.json',
    },
  }
}
