/** The contract and its documentation as served by this deployment, with its own URL as the first server. */
import { basePath, contract } from "./contract.ts";

/** The files that are served. */
export type ContractFile = "#docs/index.html" | "#docs/postman.json" | "#openapi.json" | "#openapi.yaml";

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
  if (file === "#docs/postman.json")
    return publicUrl
      ? replaceOnce(content, JSON.stringify(contract.servers[0].url), JSON.stringify(own.url))
      : content;
  if (file === "#openapi.json") return `${JSON.stringify({ ...JSON.parse(content), servers }, null, 2)}\n`;
  if (file === "#openapi.yaml") {
    // JSON strings are valid YAML strings.
    const items = servers.map(
      ({ url, description }) =>
        `  - url: ${JSON.stringify(url)}\n    description: ${JSON.stringify(description)}\n`,
    );
    return replaceOnce(content, /^servers:\n(?: .*\n)+/m, `servers:\n${items.join("")}`);
  }
  // The page contains the contract as JSON.
  const list = JSON.stringify(servers).replaceAll("<", "\\u003c");
  return replaceOnce(content, `"servers":${JSON.stringify(contract.servers)}`, `"servers":${list}`);
}

/** @throws {Error} if there is nothing to replace, for example after a change to the documentation */
function replaceOnce(text: string, found: string | RegExp, by: string): string {
  let isFound = false;
  const result = text.replace(found, () => {
    isFound = true;
    return by;
  });
  if (!isFound) throw new Error(`The contract cannot be served: ${found} is not in it`);
  return result;
}
