import { readFileSync } from "node:fs";

const page = readFileSync("dist/docs/index.html", "utf8");

/** The path of the largest response that needs no key: the script of the documentation, 2.3 MB without compression. */
export const largePath = `/${/docs\/docs\.js\?v=[\w-]+/.exec(page)?.[0]}`;
