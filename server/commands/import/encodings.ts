/** Guesses the encoding of text that is not UTF-8. */

/** Tells the user how to save a file that is in the wrong encoding or format. */
export const saveAs = 'Save it as "CSV UTF-8 (Comma delimited)" in Excel, or as CSV in UTF-8 elsewhere.';

/** Bytes that are punctuation in Windows-1252, such as curly quotes, and letters in Mac OS Roman. */
const windowsPunctuation = new Set([0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97, 0x99]);

/**
 * Returns the likely encoding of bytes that are not UTF-8, and the first non-ASCII word in that encoding, which
 * lets the user see whether the guess is right.
 */
export function guessEncoding(bytes: Buffer): { encoding: string; sample: string } {
  const { encoding, label } = detectEncoding(bytes.filter((byte) => byte >= 0x80).length, bytes);
  const text = new TextDecoder(label).decode(bytes);
  const sample = /[^\s,;"]*[^\p{ASCII}][^\s,;"]*/u.exec(text)?.[0] ?? "";
  return { encoding, sample: [...sample].slice(0, 40).join("") };
}

function detectEncoding(highBytes: number, bytes: Buffer): { encoding: string; label: string } {
  const getShare = (test: (byte: number, at: number) => boolean) =>
    bytes.filter((byte, at) => byte >= 0x80 && test(byte, at)).length / highBytes;

  if (/[\u3040-\u30ff]/.test(tryDecode("shift_jis", bytes)))
    return { encoding: "Shift_JIS", label: "shift_jis" };
  // In Western languages, non-ASCII letters stand between ASCII letters; in other scripts, they stand together.
  const isBesideAnother = (at: number) => (bytes[at - 1] ?? 0) >= 0x80 || (bytes[at + 1] ?? 0) >= 0x80;
  if (getShare((_byte, at) => isBesideAnother(at)) > 0.7) {
    if (getShare((byte) => byte >= 0xc0) > 0.9) return { encoding: "Windows-1251", label: "windows-1251" };
    if (tryDecode("gb18030", bytes) !== "") return { encoding: "GB18030", label: "gb18030" };
  }
  if (getShare((byte) => byte < 0xa0 && !windowsPunctuation.has(byte)) > 0.5)
    return { encoding: "Mac OS Roman", label: "macintosh" };
  return { encoding: "Windows-1252", label: "windows-1252" };
}

/** Returns the text, or an empty string if the bytes are invalid in this encoding. */
function tryDecode(label: string, bytes: Buffer): string {
  try {
    // The last character may be cut off.
    return new TextDecoder(label, { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return "";
  }
}
