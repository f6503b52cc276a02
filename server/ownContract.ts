/** The contract and its documentation as served by this deployment, with its own URL as the first server. */
import crypto from "node:crypto";
import { basePath, contract } from "./contract.ts";

/** The files that are served. */
export type ContractFile = "#docs.html" | "#openapi.json" | "#openapi.yaml";

/**
 * Puts the URL of this deployment first: the public URL or, if it is not known, the relative `/api/v1`.
 * @param content the file as built
 */
export function listOwnServerFirst(file: ContractFile, content: string, publicUrl: string | false): string {
  const own = { url: `${publicUrl || ""}${basePath}`, description: "This server" };
  const servers: (typeof own)[] = [
    own,
    ...contract.servers.filter(({ url }: { url: string }) => url !== own.url),
  ];
  if (file === "#openapi.json") return `${JSON.stringify({ ...JSON.parse(content), servers }, null, 2)}\n`;
  if (file === "#openapi.yaml") {
    // JSON strings are valid YAML strings.
    const items = servers.map(
      ({ url, description }) =>
        `  - url: ${JSON.stringify(url)}\n    description: ${JSON.stringify(description)}\n`,
    );
    return replaceOnce(content, /^servers:\n(?: .*\n)+/m, `servers:\n${items.join("")}`);
  }
  return listInDocs(content, servers);
}

/** The page contains the contract in a script, which its policy allows by hash. */
function listInDocs(page: string, servers: object[]): string {
  const before = `"servers":${JSON.stringify(contract.servers)}`;
  const scripts = [...page.matchAll(/<script\b[^>]*>(.*?)<\/script>/gs)].map(([, code = ""]) => code);
  const script = scripts.find((code) => code.includes(before)) ?? "";
  const list = JSON.stringify(servers).replaceAll("<", "\\u003c");
  const changed = replaceOnce(script, before, `"servers":${list}`);
  return replaceOnce(replaceOnce(page, script, changed), hashForPolicy(script), hashForPolicy(changed));
}

/** @throws {Error} when there is nothing to replace, as with another version of Redoc */
function replaceOnce(text: string, found: string | RegExp, by: string): string {
  const result = text.replace(found, () => by);
  if (result === text) throw new Error(`The contract cannot be served: ${found} is not in it`);
  return result;
}

function hashForPolicy(code: string): string {
  return `sha256-${crypto.hash("sha256", code, "base64")}`;
}
