/** The contract and its documentation as this deployment serves them: its own URL is the first of the servers. */
import crypto from "node:crypto";
import { basePath, contract } from "./contract.ts";

/** The files that are served. */
export type ContractFile = "#docs.html" | "#openapi.json" | "#openapi.yaml";

/**
 * Puts the URL of this deployment first: the public one or, where none is known, the relative `/api/v1`.
 * @param content the file as it was built
 */
export function listOwnServerFirst(file: ContractFile, content: string, publicUrl: string | false): string {
  const own = { url: `${publicUrl || ""}${basePath}`, description: "This server" };
  const servers: (typeof own)[] = [
    own,
    ...contract.servers.filter(({ url }: { url: string }) => url !== own.url),
  ];
  if (file === "#openapi.json") return `${JSON.stringify({ ...JSON.parse(content), servers }, null, 2)}\n`;
  if (file === "#openapi.yaml") {
    // JSON's strings are strings of YAML.
    const items = servers.map(
      ({ url, description }) =>
        `  - url: ${JSON.stringify(url)}\n    description: ${JSON.stringify(description)}\n`,
    );
    return replaced(content, /^servers:\n(?: .*\n)+/m, `servers:\n${items.join("")}`);
  }
  return listInDocs(content, servers);
}

/** The page holds the contract in a script, which its policy allows by its hash. */
function listInDocs(page: string, servers: object[]): string {
  const before = `"servers":${JSON.stringify(contract.servers)}`;
  const scripts = [...page.matchAll(/<script\b[^>]*>(.*?)<\/script>/gs)].map(([, code = ""]) => code);
  const script = scripts.find((code) => code.includes(before)) ?? "";
  const list = JSON.stringify(servers).replaceAll("<", "\\u003c");
  const changed = replaced(script, before, `"servers":${list}`);
  return replaced(replaced(page, script, changed), hashOf(script), hashOf(changed));
}

/** @throws {Error} where there is nothing to replace, as in another version of Redoc */
function replaced(text: string, found: string | RegExp, by: string): string {
  const result = text.replace(found, () => by);
  if (result === text) throw new Error(`The contract cannot be served: ${found} is not in it`);
  return result;
}

function hashOf(code: string): string {
  return `sha256-${crypto.hash("sha256", code, "base64")}`;
}
