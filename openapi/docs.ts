/**
 * `npm run docs`: writes the documentation of the contract: dist/docs/ for the server, and dist/docs.html as a single
 * file. Neither loads anything from another host.
 */
import { hash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { documentContract } from "./docs/documentedContract.ts";
import { createPage, logo, sha256 } from "./docs/page.ts";
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
// The server accepts this digest in base64url.
const src = `docs/docs.js?v=${hash("sha256", script, "base64url")}`;
// In HTML, a script ends at the first end tag in it.
const inline = script.replaceAll(/<\/(?=script)/gi, "<\\/");
write(
  "docs.html",
  createPage(
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

// Written last: its presence means that the other files are complete.
write(
  "docs/index.html",
  createPage(
    contract,
    { contract, downloadUrls: downloads.map(({ title, url }) => ({ title, url })) },
    { script: `<script type="module" src="${src}" integrity="sha256-${scriptHash}"></script>`, scriptHash },
  ),
);

function write(name: string, content: string | Buffer): void {
  writeFileSync(new URL(name, dist), content);
}
