/** What is served beside the operations: the contract, its documentation, and health. */
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import type { Request, Response } from "express";
import type { Database } from "./database/database.ts";
import { type ContractFile, listOwnServerFirst } from "./ownContract.ts";

/** How long readiness waits for the database: meanwhile a load balancer would go on sending requests. */
const readinessTimeoutInMilliseconds = 600;

/** For how long its result is served. */
const readinessIntervalInMilliseconds = 300;

/** Serves GET and HEAD of one path. */
export type Page = (request: Request, response: Response) => void | Promise<void>;

const require = createRequire(import.meta.url);

/** From `/` to the documentation. */
export const toDocs: Page = (_request, response) => response.redirect("/docs");

/**
 * The pages by their path.
 * @param publicUrl the URL before `/api/v1` under which partners reach the server
 */
export function createPages(
  database: Database,
  isStopping: () => boolean,
  publicUrl: string | false = false,
): Record<string, Page> {
  let lastCheck: { at: number; result: Promise<boolean> } | undefined;

  /** Whether the database responds. Any number of probes cost one check in this time. */
  function isReachable(): Promise<boolean> {
    const now = performance.now();
    if (lastCheck && now - lastCheck.at < readinessIntervalInMilliseconds) return lastCheck.result;
    const timeout = sleep(readinessTimeoutInMilliseconds, false, { ref: false });
    const responds = database.ping().then(
      () => true,
      () => false,
    );
    lastCheck = { at: now, result: Promise.race([responds, timeout]) };
    return lastCheck.result;
  }

  return {
    "/docs": file("#docs.html", "text/html", publicUrl),
    "/openapi.json": file("#openapi.json", "application/json", publicUrl),
    "/openapi.yaml": file("#openapi.yaml", "application/yaml", publicUrl),
    "/healthz": (_request, response) => void response.json({ status: "ok" }),
    async "/readyz"(_request, response) {
      const isReady = !isStopping() && (await isReachable());
      response.status(isReady ? 200 : 503).json({
        status: isReady ? "ready" : isStopping() ? "stopping" : "unavailable",
      });
    },
  };
}

/** The contract or its documentation, read when it is first requested. */
function file(name: ContractFile, type: string, publicUrl: string | false): Page {
  let kept: { content: Buffer; entityTag: string; policy: string } | undefined;
  return (_request, response) => {
    if (!kept) {
      const built = readFileSync(require.resolve(name), "utf8");
      const content = Buffer.from(listOwnServerFirst(name, built, publicUrl));
      const entityTag = `"${crypto.hash("sha256", content, "base64url")}"`;
      // The documentation brings its own, with the hashes of what may run.
      const [, own = "default-src 'none'"] =
        /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(
          content.toString("latin1", 0, 2_000),
        ) ?? [];
      kept = { content, entityTag, policy: `${own}; frame-ancestors 'none'` };
    }
    const { content, entityTag, policy } = kept;
    response.type(type).set({ ETag: entityTag, "Content-Security-Policy": policy }).send(content);
  };
}
