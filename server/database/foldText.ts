/**
 * Folds text for comparison in a search. Case is folded fully: upper-casing unifies what lower-casing alone keeps
 * distinct (`ß` and `ss`, `ı` and `i`). A final sigma becomes an ordinary sigma, so that a term ending in sigma is
 * found within a word, and the dot that remains of `İ` is dropped.
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
