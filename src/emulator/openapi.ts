/** The OpenAPI document of the control listener, made of its routes. */
import packageJson from '../../package.json' with { type: 'json' }
import { components, routes } from './routes.ts'
import type { Schema } from './schema.ts'

const json = (schema: Schema) => ({ 'application/json': { schema } })

export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { method, path, name, summary, query = {}, body, answer } of routes) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
      name: parameter,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    }))
    const inQuery = Object.entries(query).map(([parameter, schema]) => ({
      name: parameter,
      in: 'query',
      schema,
    }))
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = {
      operationId: name,
      summary,
      ...(inPath.length + inQuery.length > 0 && { parameters: [...inPath, ...inQuery] }),
      ...(body && { requestBody: { content: json(body) } }),
      responses: {
        ...(answer
          ? { 200: { description: 'Done.', content: json(answer) } }
          : { 204: { description: 'Done.' } }),
        default: {
          description: 'Not done; says why.',
          content: json({ $ref: '#/components/schemas/Error' }),
        },
      },
    }
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'Control listener of the Suidao emulator',
      version: packageJson.version,
      description: 'Has a port of its own, on loopback; nothing of it is reached through the API.',
    },
    paths,
    components: { schemas: components },
  }
}
