/**
 * `npm run docs`: writes dist/docs.html, the contract as one page that asks no host for anything. Into the contract
 * go the samples of samples/, and into what Redoc makes of it a policy that lets run nothing but itself.
 */
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** "Redoc", as an image. */
const mark = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 12"><text y="10" font-family="sans-serif" font-size="11" font-weight="bold" fill="#3a86d0">Redoc</text></svg>',
)}`;
const languages = { sh: "curl", ts: "TypeScript", py: "Python", php: "PHP" };

const contract = JSON.parse(read("../generated/openapi.json"));
delete contract.tags;
for (const path of Object.values<object>(contract.paths)) {
  for (const operation of Object.values(path)) {
    if (!operation.operationId) continue;
    delete operation.tags;
    operation["x-codeSamples"] = Object.entries(languages).map(([ending, label]) => ({
      lang: label === "curl" ? "Shell" : label,
      label,
      source: read(`samples/${operation.operationId}.${ending}`).trimEnd(),
    }));
  }
}

const place = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const [described, page] = [place("../dist/docs.json"), place("../dist/docs.html")];
mkdirSync(place("../dist"), { recursive: true });
writeFileSync(described, JSON.stringify(contract));
const redocly = createRequire(import.meta.url).resolve("@redocly/cli/bin/cli.js");
const config = ["--config", place("redocly.yaml"), "--template", place("docs.hbs")];
execFileSync(
  process.execPath,
  [redocly, "build-docs", described, ...config, "--inlineBundle", "--output", page],
  { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" } },
);
rmSync(described);
writeFileSync(page, closed(readFileSync(page, "utf8")));

/** The page without what only works at Redoc's own site, under a policy that lets nothing run but what is in it. */
function closed(built: string): string {
  // What was rendered beforehand has links without a `#`, and styles in attributes, which no hash can allow. The
  // script renders the same, with links that work and styles that are allowed.
  let page = replaced(built, /<div id="redoc">.*?(?=<script type="module">)/s, '<div id="redoc"></div>');
  // The mark of its maker, which would be fetched from there.
  page = replaced(page, /`https:\/\/cdn\.redoc\.ly\/redoc\/logo-mini(-full)?\.svg`/g, `\`${mark}\``);
  // The colours of the samples, which it writes into attributes.
  page = replaced(page, /(?<=`) style="color: var\((\$\{\w+\})\)"(?=`)/, ' data-color="$1"');
  const colours = new Set(page.match(/--code-block-tokens-[a-z-]+-color/g));
  const rules = [...colours].map((name) => `[data-color="${name}"] { color: var(${name}) }`);
  page = replaced(page, "</head>", `<style>${rules.join("\n")}</style>\n</head>`);

  const hashes = {
    script: new Set<string>(),
    // styled-components begins with an empty style, and adds its rules by script.
    style: new Set([hashOf("")]),
  };
  for (const [, element, content] of page.matchAll(/<(script|style)\b[^>]*>(.*?)<\/\1>/gs))
    hashes[element as keyof typeof hashes].add(hashOf(content as string));
  const policy = [
    "default-src 'none'",
    `script-src ${[...hashes.script].join(" ")}`,
    `style-src ${[...hashes.style].join(" ")}`,
    "img-src data:",
    "font-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy.join("; ")}">`;
  return replaced(page, "<head>", `<head>\n  ${meta}`);
}

/** @throws {Error} where there is nothing to replace, as in another version of Redoc */
function replaced(text: string, found: string | RegExp, by: string): string {
  const result = text.replace(found, by);
  if (result === text) throw new Error(`Redoc's page has no ${found}: see what has become of it.`);
  return result;
}

function hashOf(content: string): string {
  return `'sha256-${hash("sha256", content, "base64")}'`;
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}
