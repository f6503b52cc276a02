/** Finds Chromium. */
import { accessSync, constants } from "node:fs";

export const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Exits if Chromium is missing: browser tests are never skipped. */
export default function setup(): void {
  try {
    accessSync(chromium, constants.X_OK);
  } catch {
    console.error(
      `There is no Chromium at ${chromium}. Install it, on Debian as root:\n\n` +
        "  apt-get update && apt-get install -y chromium\n\n" +
        "or set its path: CHROMIUM=/path/to/chromium npm run test:browser",
    );
    process.exit(1);
  }
}
