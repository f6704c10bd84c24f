/**
 * The console's own files, as the build leaves them, under a Content-Security-Policy that lets nothing in from elsewhere.
 *
 * Scripts and style sheets come as files of this origin. The component library writes style elements as it goes; they
 * carry a nonce that is another one for each page load.
 */
import { randomBytes } from 'node:crypto'
import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'

export interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Pages {
  /** `path` is below `/console`; every path without a file of its own is a place inside the console. */
  find(path: string, acceptsGzip: boolean): Page
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** What the build writes into index.html where the nonce goes. */
const noncePlace = '__CSP_NONCE__'

export const contentSecurityPolicy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

export const commonHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const

/** @param folder where the build is; it may not be there yet, and is looked for again until it is. */
export function createPages(folder: string): Pages {
  /** Files by path below the folder; read once, since a build does not change under a running server. */
  let files: ReadonlyMap<string, Buffer> | undefined

  const page = (nonce: string, html: Buffer | string, status: number): Page => ({
    status,
    headers: {
      ...commonHeaders,
      'Content-Type': types['.html']!,
      'Content-Security-Policy': contentSecurityPolicy(nonce),
      'Cache-Control': 'no-store',
    },
    body: Buffer.from(html),
  })

  return {
    find(path, acceptsGzip) {
      files ??= readFiles(folder)
      const index = files?.get('index.html')
      if (!files || !index) return page('none', notBuilt, 503)
      const name = path.replace(/^\/+/, '')
      const file = files.get(name)
      if (file && name !== 'index.html' && !name.endsWith('.gz')) {
        const packed = acceptsGzip ? files.get(`${name}.gz`) : undefined
        return {
          status: 200,
          headers: {
            ...commonHeaders,
            'Content-Type': types[extname(name)] ?? 'application/octet-stream',
            // Their names hold a hash of their content.
            'Cache-Control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
            Vary: 'Accept-Encoding',
            ...(packed ? { 'Content-Encoding': 'gzip' } : {}),
          },
          body: packed ?? file,
        }
      }
      if (name.startsWith('assets/')) return page('none', 'Not found', 404)
      const nonce = randomBytes(16).toString('base64')
      return page(nonce, index.toString().replaceAll(noncePlace, nonce), 200)
    },
  }
}

function readFiles(folder: string): ReadonlyMap<string, Buffer> | undefined {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true, recursive: true })
  } catch {
    return undefined
  }
  const inFolder = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return new Map(inFolder.map((file) => [relative(folder, file), readFileSync(file)]))
}

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Suidao</title></head>
<body><h1>The console is not built</h1>
<p>The API works without it. Build it with <code>npm run console:build</code> and load this page again.</p>
<p lang="zh-CN">控制台尚未构建，API 不受影响。运行 <code>npm run console:build</code> 后刷新本页。</p>
</body></html>
`
