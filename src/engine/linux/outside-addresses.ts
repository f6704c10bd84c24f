import type { Gateway } from '../engine.ts'

/** The outside addresses of a gateway, the first one first. */
export const outsideAddresses = ({ address, secondAddress }: Gateway): readonly string[] =>
  secondAddress === undefined ? [address] : [address, secondAddress]
