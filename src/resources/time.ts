/** `yyyy-MM-ddTHH:mm:ssZ` in UTC, the vendor's form of `CreationTime`. */
export const isoSeconds = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19)}Z`
