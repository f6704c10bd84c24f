/** The time by the server's clock: an emulator's may stand still, hurry, or be days ahead. */
let offset = 0

/** Told by every event. @param time epoch milliseconds, the server's */
export const heardTime = (time: number) => {
  offset = time - Date.now()
}

export const serverNow = (): number => Date.now() + offset
