import { inspect } from 'node:util'

/**
 * A value that must not reach a log, an error text or a JSON document by accident.
 * It prints as stars everywhere; `reveal()` is the only way to the clear text, so every place
 * that handles it in clear can be found by searching for that word.
 */
export class Secret {
  readonly #clear: string

  constructor(clear: string) {
    this.#clear = clear
  }

  reveal(): string {
    return this.#clear
  }

  toString(): string {
    return '******'
  }

  toJSON(): string {
    return '******'
  }

  [inspect.custom](): string {
    return '******'
  }
}
