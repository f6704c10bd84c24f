import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['examples/**/*.vitest.ts'],
    // The SDKs are CommonJS: imported here as Node imports them, and as their types say.
    deps: { interopDefault: false },
  },
})
