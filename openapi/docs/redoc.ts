/** Redoc's bundle, patched for this page. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** Redoc's name as an inline image, so that the page loads nothing from Redoc's site. */
const mark = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 12"><text y="10" font-family="sans-serif" font-size="11" font-weight="bold" fill="#3a86d0">Redoc</text></svg>',
)}`;

/**
 * The patches, each with its purpose. The build fails if one does not match, as a new version of Redoc may need other
 * patches.
 */
const changes: [reason: string, found: RegExp, by: string][] = [
  ["its logo is inline", /`https:\/\/cdn\.redoc\.ly\/redoc\/logo-mini(?:-full)?\.svg`/g, `\`${mark}\``],
  [
    'operations without a tag are in the group "operations"',
    /(?<=\(`)other(?=`,\w+\(\w+\.operationId\)\))/,
    "operations",
  ],
  [
    "token colors are in an attribute that the policy allows; page.ts has the styles",
    /(?<=`) style="color: var\((\$\{\w+\})\)"(?=`)/,
    ' data-color="$1"',
  ],
  [
    "the accessible name of the example picker contains its visible text (WCAG 2.5.3)",
    /(?<="aria-label":)(\w+)(?=,children:\(0,\w+\.jsx\)\(\w+,\{children:(\w+)\?\.labelNode\?\?\2\?\.label\}\))/,
    '[$1,$2?.label].join(": ")',
  ],
  [
    "samples follow the selected example: `source` has a text for each, by its key",
    /((\w+)=\w+\?\w+\[\w+\]\?\.key\?\?\w+:void 0,.{0,200}?return (\w+)\?)\3\.source(:`.{0,100}?`\},\[)/,
    "$1($3.source[$2]??$3.source)$4$2,",
  ],
  [
    "search results have spaces between blocks and lines",
    /(?<=typeof (\w+)\.attributes\?\.content==`string`)&&(\w+)\.push\(\1\.attributes\.content\)(?=;for\(let \w+ of \1\.children\?\?\[\]\)\w+\(\w+\)\}\}return \w+\(\w+\),\2\.join\(``\))/,
    "?$2.push($1.attributes.content):/^(?:paragraph|item|t[dhr]|\\w+break)$/.test($1.type)&&$2.push(` `)",
  ],
];

/** Returns Redoc's code, which declares `init`, with the patches applied. */
export function buildRedoc(): string {
  const main = createRequire(import.meta.url).resolve("@redocly/cli/bin/cli.js");
  let bundle = readFileSync(new URL("../lib/chunks/redoc.standalone.js", pathToFileURL(main)), "utf8");
  for (const [reason, found, by] of [...changes, ["", /export\{[^}]+\};?\s*$/, ""] as const]) {
    const changed = bundle.replace(found, by);
    if (changed === bundle) throw new Error(`Redoc's bundle has no ${found} (${reason}).`);
    bundle = changed;
  }
  return bundle;
}
