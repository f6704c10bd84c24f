/** Enough of XML to read our own answers: elements and text, no attributes, no mixed content. Throws on anything else. */

export interface XmlNode {
  readonly name: string
  readonly children: readonly XmlNode[]
  readonly text: string
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const decodeEntities = (text: string) =>
  text.replace(/&(#x?[0-9a-f]+|\w+);/gi, (whole, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16))
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)))
    const character = entities[name]
    if (character === undefined) throw new Error(`unknown entity ${whole}`)
    return character
  })

export function parseXml(source: string): XmlNode {
  const token = /<\?xml[^>]*\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z][\w-]*)\s*(\/?)>|([^<]+)/gy
  const root: { name: string; children: XmlNode[]; text: string } = { name: '', children: [], text: '' }
  const open = [root]
  while (token.lastIndex < source.length) {
    const at = token.lastIndex
    const match = token.exec(source)
    if (!match) throw new Error(`not XML at ${at}: ${source.slice(at, at + 40)}`)
    const [, cdata, closing, name, empty, text] = match
    const current = open.at(-1)!
    if (cdata !== undefined) current.text += cdata
    else if (text !== undefined) current.text += decodeEntities(text)
    else if (name !== undefined && closing) {
      if (current.name !== name) throw new Error(`</${name}> closes <${current.name}>`)
      open.pop()
      if (current.children.length > 0) current.text = current.text.trim()
    } else if (name !== undefined) {
      const node = { name, children: [], text: '' }
      current.children.push(node)
      if (!empty) open.push(node)
    }
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error('not one whole element')
  return root.children[0]!
}
