/** Text that was saved as UTF-8 and read as Windows-1252 on its way: `MÃ¼ller` for `Müller`. */

/** The characters that Windows-1252 has for the bytes 0x80 to 0x9F, where it has any. */
const windows1252 = new Map(
  [..."€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"].map((character, index) => [
    character,
    0x80 + index,
  ]),
);

/** The first byte of a character of UTF-8 that has several, and something beyond ASCII behind it. */
const suspicious = /[\u00c2-\u00f4][^\p{ASCII}]/u;

/** What such text may be once it is restored: letters and signs that people write, and no rare scripts. */
const plausible =
  /^[\p{ASCII}\u00a0-\u024f\u2010-\u205e\u20a0-\u20bf\u2122\u{1f300}-\u{1faff}\p{scx=Greek}\p{scx=Cyrillic}\p{scx=Arabic}\p{scx=Hebrew}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Devanagari}\p{scx=Thai}]*$/u;

/** The text as it was before, or undefined where it does not look spoilt. */
export function restoredText(text: string): string | undefined {
  if (!suspicious.test(text)) return undefined;
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const byte = code < 0x100 ? code : windows1252.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  try {
    // Chance hardly ever makes UTF-8 of all that is not ASCII in a text.
    const restored = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes));
    return plausible.test(restored) ? restored : undefined;
  } catch {
    return undefined;
  }
}
