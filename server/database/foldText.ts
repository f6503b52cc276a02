/**
 * Text as a search compares it. Case is folded fully: upper case expands what lower case alone keeps apart
 * (`ß` and `ss`, `ı` and `i`). A final sigma counts as a sigma, so that the sigma at the end of a term is found within a
 * word, and the dot that is left of `İ` is dropped.
 */
export function foldText(text: string): string {
  return text
    .normalize("NFC")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll("ς", "σ")
    .replaceAll("i\u0307", "i")
    .normalize("NFC");
}
