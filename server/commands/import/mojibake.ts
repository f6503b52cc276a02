/** Repairs text that was saved as UTF-8 and later decoded as Windows-1252: `MÃ¼ller` instead of `Müller`. */

/** The characters of Windows-1252 for the bytes 0x80 to 0x9F. */
const windows1252 = new Map(
  [..."€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"].map((character, index) => [
    character,
    0x80 + index,
  ]),
);

/** The first byte of a multi-byte character in UTF-8, followed by a non-ASCII character. */
const suspicious = /[\u00c2-\u00f4][^\p{ASCII}]/u;

/** Characters that repaired text may contain: common letters and symbols, no rare scripts. */
const plausible =
  /^[\p{ASCII}\u00a0-\u024f\u2010-\u205e\u20a0-\u20bf\u2122\u{1f300}-\u{1faff}\p{scx=Greek}\p{scx=Cyrillic}\p{scx=Arabic}\p{scx=Hebrew}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Devanagari}\p{scx=Thai}]*$/u;

/** Returns the original text, or undefined if the text does not look garbled. */
export function repairMojibake(text: string): string | undefined {
  if (!suspicious.test(text)) return undefined;
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const byte = code < 0x100 ? code : windows1252.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  try {
    // The non-ASCII characters of a text are hardly ever valid UTF-8 by coincidence.
    const restored = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes));
    return plausible.test(restored) ? restored : undefined;
  } catch {
    return undefined;
  }
}
