/** A value for the title of a test: its first characters, and its length where that is more. */
export function shorten(text: string, length = 20): string {
  return text.length <= length ? text : `${text.slice(0, length - 8)}… (${text.length} characters)`;
}
