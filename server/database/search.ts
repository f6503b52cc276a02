/** Search: what is compared. */

/**
 * Text as a search compares it: NFC, then lower case, then the final sigma as any other, so that
 * the sigma of a term's end is found within a word.
 */
export function foldText(text: string): string {
  return text.normalize("NFC").toLowerCase().replaceAll("ς", "σ");
}
