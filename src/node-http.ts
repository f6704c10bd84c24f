/**
 * `node:http` and `node:https`, each loaded when it is first asked for.
 *
 * An ES module's import of `node:http` reads every member of it, and one of them (`WebSocket`) loads a whole HTTP client of
 * Node's own: 60 ms and 13 MB of each start, for nothing (Node 24.21). This way of asking reads what is used.
 */
export const http = () => process.getBuiltinModule('node:http')
export const https = () => process.getBuiltinModule('node:https')
