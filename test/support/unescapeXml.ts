/** Replaces the named entities of XML or HTML with their characters. */
export function unescapeXml(text: string): string {
  const characters: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return text.replace(/&(\w+);/g, (_entity, name) => characters[name] as string);
}
