/** Searches the log lines and files that tests leave behind for keys, and for text of request bodies. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Matches every key except those of the sandbox, which are public, and the prefix of a key before its SHA-256, as
 * databases store it.
 */
const key = /dk_(?!sandbox_|.{9}[0-9a-f]{34})[A-Za-z0-9_-]{43}/;

/** Text of request bodies that is too long to be in a log by chance. */
const bodyTexts = new Set<string>();
const leastLength = 8;

/** Remembers every text in a request body; the logs of this test file are searched for them. */
export function rememberBody(body: string): void {
  try {
    JSON.parse(body, (_name, value) => {
      if (typeof value === "string" && value.length >= leastLength) bodyTexts.add(value);
    });
  } catch {
    if (body.length >= leastLength) bodyTexts.add(body);
  }
}

/** @throws {Error} if log lines contain a key, or text of a request body */
export function assertNoSecretsInLog(lines: string): void {
  assertNoKey("A log", lines);
  for (const text of bodyTexts) {
    const escaped = JSON.stringify(text).slice(1, -1);
    if (lines.includes(text) || lines.includes(escaped))
      throw new Error(`A log contains text of a body: ${text}`);
  }
}

/** @throws {Error} if text contains a key */
export function assertNoKey(what: string, text: string): void {
  const found = key.exec(text);
  if (found) throw new Error(`${what} contains the key ${found[0]}`);
}

/** @throws {Error} if a file below a folder contains a key; a database may contain text of request bodies */
export function assertNoKeyInFolder(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile()) assertNoKey(`The file ${file}`, readFileSync(file, "latin1"));
  }
}
