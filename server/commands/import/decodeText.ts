/** The text of a CSV file: UTF-8, or UTF-16 with its byte order mark. */
import { isUtf8 } from "node:buffer";
import { CommandError } from "../../errors.ts";
import { guessEncoding, saveAs } from "./encodings.ts";

/** How many bytes at the beginning are used to detect the encoding. */
const sniffedBytes = 4_096;

/** The first bytes of files in other formats. */
const otherFormats: [signature: number[], name: string][] = [
  [[0x50, 0x4b, 0x03, 0x04], "an Excel workbook (.xlsx) or another ZIP archive"],
  [[0xd0, 0xcf, 0x11, 0xe0], "an Excel workbook (.xls)"],
  [[0x1f, 0x8b], "compressed with gzip"],
  [[0xff, 0xfe, 0x00, 0x00], "UTF-32"],
  [[0x00, 0x00, 0xfe, 0xff], "UTF-32"],
];

/**
 * Decodes a file chunk by chunk, without its byte order mark.
 * @param name the name of the file in error messages
 * @throws {CommandError} naming the likely encoding and how to save the file
 */
export async function* decodeText(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let start: Buffer = Buffer.alloc(0);
  let [line, last, lastChunk] = [1, "", start];

  function decode(chunk: Buffer, isEnd = false): string {
    decoder ??= createDecoder(start, name);
    try {
      const text = decoder.decode(chunk, { stream: !isEnd });
      line += countLineBreaks(text, last);
      last = text.at(-1) ?? last;
      lastChunk = chunk;
      return text;
    } catch {
      throw isEnd
        ? createTruncationError(decoder.encoding, lastChunk, name, line)
        : createDecodingError(chunk, name, line);
    }
  }

  for await (const chunk of source) {
    if (decoder) yield decode(chunk);
    else {
      start = Buffer.concat([start, chunk]);
      if (start.length >= sniffedBytes) yield decode(start);
    }
  }
  if (!decoder) yield decode(start);
  yield decode(Buffer.alloc(0), true);
}

/**
 * Counts the line breaks in a text; CRLF is one line break.
 * @param before the character before the text
 */
export function countLineBreaks(text: string, before = ""): number {
  let count = 0;
  let previous = before === "\r" ? 13 : 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 13 || (code === 10 && previous !== 13)) count++;
    previous = code;
  }
  return count;
}

function createDecoder(start: Buffer, name: string): TextDecoder {
  for (const [signature, format] of otherFormats) {
    if (start.subarray(0, signature.length).equals(Buffer.from(signature)))
      throw new CommandError(`${name} is ${format}, not CSV. ${saveAs}`);
  }
  const [first, second] = start;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le", { fatal: true });
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be", { fatal: true });
  // In UTF-16 every ASCII character has a zero byte.
  const sample = start.subarray(0, 100);
  if (sample.filter((byte) => byte === 0).length > sample.length / 4)
    throw new CommandError(`${name} is probably UTF-16 without a byte order mark. ${saveAs}`);
  return new TextDecoder("utf-8", { fatal: true });
}

/** @param line the line on which the chunk starts */
function createDecodingError(chunk: Buffer, name: string, line: number): CommandError {
  // The chunk may start in the middle of a character.
  const whole = chunk.subarray(chunk.findIndex((byte) => (byte & 0xc0) !== 0x80));
  const lines = whole
    .toString("latin1")
    .split(/\r\n|\n|\r/)
    .map((text) => Buffer.from(text, "latin1"));
  const bad = Math.max(
    0,
    lines.findIndex((bytes) => !isUtf8(bytes)),
  );
  const { encoding, sample } = guessEncoding(Buffer.concat(lines.slice(bad)));
  return new CommandError(
    `${name}:${line + bad}: not UTF-8 but probably ${encoding} ("${sample}"). ${saveAs}`,
  );
}

/**
 * For a file that ends in the middle of a character, or whose only non-ASCII letter is at its end, in another encoding.
 */
function createTruncationError(encoding: string, chunk: Buffer, name: string, line: number): CommandError {
  const isOnlyOne = chunk.findIndex((byte) => byte >= 0x80) >= chunk.length - 3;
  if (encoding === "utf-8" && isOnlyOne)
    return createDecodingError(chunk, name, line - countLineBreaks(chunk.toString()));
  return new CommandError(
    `${name}:${line}: not ${encoding.toUpperCase()}: the file ends in the middle of a character. Is it complete?`,
  );
}
