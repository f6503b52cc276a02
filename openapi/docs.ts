/**
 * `npm run docs`: writes the documentation of the contract, which requests nothing from another host: dist/docs/ for
 * the server, and dist/docs.html, all of it in one file.
 */
import { hash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { documentContract } from "./docs/documentedContract.ts";
import { logo, page, sha256 } from "./docs/page.ts";
import { createPostmanCollection } from "./docs/postmanCollection.ts";
import { buildRedoc } from "./docs/redoc.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
const dist = new URL("../dist/", import.meta.url);
const served = JSON.parse(read("../generated/openapi.json"));
const contract = documentContract(served);
contract.info["x-logo"] = { url: logo, altText: "Distribu" };
const collection = `${JSON.stringify(createPostmanCollection(served), null, 2)}\n`;
const script = `${buildRedoc()}\n${read("docs/page.js")}`;

mkdirSync(new URL("docs/", dist), { recursive: true });
write("docs/docs.js.br", brotliCompressSync(script));
write("docs/docs.js.gz", gzipSync(script, { level: 9 }));
write("docs/postman.json", collection);

const downloads = [
  { title: "openapi.yaml", url: "openapi.yaml", content: read("openapi.yaml") },
  { title: "openapi.json", url: "openapi.json", content: read("../generated/openapi.json") },
  { title: "Postman collection", url: "docs/postman.json", content: collection },
];
const scriptHash = sha256(script);
// By its digest in base64url, as the server knows it.
const src = `docs/docs.js?v=${hash("sha256", script, "base64url")}`;
// In HTML a script ends at its first end tag.
const inline = script.replaceAll(/<\/(?=script)/gi, "<\\/");
write(
  "docs.html",
  page(
    contract,
    {
      contract,
      downloadUrls: downloads.map(({ title, content }) => ({
        title,
        url: `data:application/octet-stream;base64,${Buffer.from(content).toString("base64")}`,
      })),
    },
    { script: `<script type="module">${inline}</script>`, scriptHash: sha256(inline) },
  ),
);

// Last, as it tells that all is written.
write(
  "docs/index.html",
  page(
    contract,
    { contract, downloadUrls: downloads.map(({ title, url }) => ({ title, url })) },
    { script: `<script type="module" src="${src}" integrity="sha256-${scriptHash}"></script>`, scriptHash },
  ),
);

function write(name: string, content: string | Buffer): void {
  writeFileSync(new URL(name, dist), content);
}
