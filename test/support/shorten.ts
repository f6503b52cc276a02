/** Shortens a value for the title of a test: its first characters and, if any are omitted, their total number. */
export function shorten(text: string, length = 20): string {
  return text.length <= length ? text : `${text.slice(0, length - 7)}… (${text.length})`;
}
