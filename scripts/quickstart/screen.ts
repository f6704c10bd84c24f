/** What the quickstart prints, and how it waits. */
const started = performance.now()
const inColour = process.stdout.isTTY === true && !process.env['NO_COLOR']
const paint = (code: number, text: string) => (inColour ? `\x1b[${code}m${text}\x1b[0m` : text)
export const bold = (text: string) => paint(1, text)
export const dim = (text: string) => paint(2, text)
export const green = (text: string) => paint(32, text)
export const red = (text: string) => paint(31, text)

const clock = () => dim(`${((performance.now() - started) / 1000).toFixed(2).padStart(6)} s`)
export const title = (text: string) => console.log(`\n${bold(text)}`)
export const line = (text: string) => console.log(`${clock()}  ${text}`)
export const block = (text: string) => console.log(text.replace(/^(?=.)/gm, '            '))
