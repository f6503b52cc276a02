/** The documentation page, with a content security policy that allows only its own script and style. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Part } from "../contractFile.ts";

/** The token types that Redoc highlights in samples, whose names it writes into `data-color` (see redoc.ts). */
const tokens =
  "attr-name boolean class-name comment default function keyword number operator property-string string tag variable";
const colors = tokens
  .split(" ")
  .map((name) => `--code-block-tokens-${name}-color`)
  .map((name) => `[data-color="${name}"]{color:var(${name})}`);
const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
const style = [read("theme.css"), ...colors, read("page.css")].join("\n");
const accent = "#0b6e63";

/** A square with the letter D. */
const icon = toDataUrl(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="${accent}"/><path d="M9 7h6a9 9 0 0 1 0 18H9zm5 5v8h1a4 4 0 0 0 0-8z" fill="#fff"/></svg>`,
);

/** The icon and the name, in a color that is legible on light and dark backgrounds. */
export const logo = toDataUrl(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 136 32" width="136" height="32"><rect width="32" height="32" rx="7" fill="${accent}"/><path d="M9 7h6a9 9 0 0 1 0 18H9zm5 5v8h1a4 4 0 0 0 0-8z" fill="#fff"/><text x="42" y="24" fill="#12897b" font-family="system-ui,sans-serif" font-size="24" font-weight="700" textLength="92" lengthAdjust="spacingAndGlyphs">distribu</text></svg>`,
);

/**
 * @param script the element that runs the script
 * @param scriptHash the SHA-256 of that script, in base64
 */
export function createPage(
  { info }: Part,
  data: { contract: Part; downloadUrls: { title: string; url: string }[] },
  { script, scriptHash }: { script: string; scriptHash: string },
): string {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${scriptHash}'`,
    // styled-components creates an empty style element, and adds its rules from the script.
    `style-src 'sha256-${sha256("")}' 'sha256-${sha256(style)}'`,
    "img-src data:",
    "font-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // JSON in a script element is not code, so the policy allows it; the server inserts its own URL here.
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="description" content="Reference of the ${info.title}: operations, samples, errors, and how to get started.">
  <title>${info.title}</title>
  <link rel="icon" href="${icon}">
  <style>${style}</style>
</head>
<body>
  <noscript>This page requires JavaScript. It shows the contract, <a href="openapi.yaml">openapi.yaml</a>.</noscript>
  <main id="redoc"></main>
  <script type="application/json" id="data">${json}</script>
  ${script}
</body>
</html>
`;
}

export function sha256(text: string): string {
  return hash("sha256", text, "base64");
}

function toDataUrl(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
