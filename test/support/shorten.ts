/** A value for the title of a test: its first characters, then the number of all where some are left out. */
export function shorten(text: string, length = 20): string {
  return text.length <= length ? text : `${text.slice(0, length - 7)}… (${text.length})`;
}
