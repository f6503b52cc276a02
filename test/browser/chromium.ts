/** Where Chromium is, and what to do where it is not. */
import { accessSync, constants } from "node:fs";

export const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Ends the run where there is no Chromium: a browser test that is not run proves nothing. */
export default function setup(): void {
  try {
    accessSync(chromium, constants.X_OK);
  } catch {
    console.error(
      `There is no Chromium at ${chromium}. Install it, on Debian as root:\n\n` +
        "  apt-get update && apt-get install -y chromium\n\n" +
        "or say where it is: CHROMIUM=/path/to/chromium npm run test:browser",
    );
    process.exit(1);
  }
}
