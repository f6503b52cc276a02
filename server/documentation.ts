/** Serves the contract and its documentation, compressed. */
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import zlib from "node:zlib";
import type { Request, Response } from "express";
import { ApiError } from "./errors.ts";
import { type ContractFile, listOwnServerFirst } from "./ownContract.ts";
import type { Page } from "./pages.ts";

/** A file in each content coding, with its SHA-256. */
interface Encoded {
  digest: string;
  br: Buffer;
  gzip: Buffer;
  identity: Buffer;
}

const [compressBrotli, compressGzip] = [promisify(zlib.brotliCompress), promisify(zlib.gzip)];
const require = createRequire(import.meta.url);
const read = (name: string) => readFileSync(require.resolve(name));

/**
 * Serves a file, read and compressed when it is first requested.
 * @param publicUrl the URL before `/api/v1` under which partners reach the server
 */
export function serveFile(name: ContractFile, type: string, publicUrl: string | false): Page {
  let loaded: Promise<{ file: Encoded; policy: string }> | undefined;
  async function load() {
    const text = listOwnServerFirst(name, read(name).toString(), publicUrl);
    // The documentation page contains its own policy, with the hashes of what may run.
    const [, own = "default-src 'none'"] =
      /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(text.slice(0, 2_000)) ?? [];
    const identity = Buffer.from(text);
    const [br, gzip] = await Promise.all([compressBrotli(identity), compressGzip(identity)]);
    return { file: withDigest({ br, gzip, identity }), policy: `${own}; frame-ancestors 'none'` };
  }
  return async (request, response) => {
    loaded ??= load();
    const { file, policy } = await loaded;
    response.type(type).set("Content-Security-Policy", policy);
    send(request, response, file);
  };
}

/** Serves the documentation's script, which the build has compressed; the page requests it by its digest. */
export function serveScript(): Page {
  let file: Encoded | undefined;
  return (request, response) => {
    if (!file) {
      const br = read("#docs/docs.js.br");
      file = withDigest({ br, gzip: read("#docs/docs.js.gz"), identity: zlib.brotliDecompressSync(br) });
    }
    // While a release is being deployed, the page may have come from a server of the other release.
    if (!request.url.endsWith(`?v=${file.digest}`)) throw new ApiError(404, "Not found.");
    response.type("text/javascript").set("Cache-Control", "public, max-age=31536000, immutable");
    send(request, response, file);
  };
}

function withDigest(codings: Omit<Encoded, "digest">): Encoded {
  return { ...codings, digest: crypto.hash("sha256", codings.identity, "base64url") };
}

/** Sends the file in the best coding that the client accepts, or 304; each coding has an entity tag of its own. */
function send(request: Request, response: Response, file: Encoded): void {
  const coding = (request.acceptsEncodings("br", "gzip", "identity") || "identity") as keyof typeof codings;
  const codings = { br: file.br, gzip: file.gzip, identity: file.identity };
  if (coding !== "identity") response.set("Content-Encoding", coding);
  response.vary("Accept-Encoding").set("ETag", `"${file.digest}-${coding}"`).send(codings[coding]);
}
