/** Pages besides the operations: the contract, its documentation, and health checks. */
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import type { Request, Response } from "express";
import type { Database } from "./database/database.ts";
import { type ContractFile, listOwnServerFirst } from "./ownContract.ts";

/** How long a readiness check waits for the database. Meanwhile a load balancer keeps sending requests. */
const readinessTimeoutInMilliseconds = 600;

/** How long the result of a readiness check is reused. */
const readinessIntervalInMilliseconds = 300;

/** Handles GET and HEAD for a path. */
export type Page = (request: Request, response: Response) => void | Promise<void>;

const require = createRequire(import.meta.url);

/** Redirects to the documentation. */
export const toDocs: Page = (_request, response) => response.redirect("/docs");

/**
 * Creates the pages, keyed by path.
 * @param publicUrl the public URL of the server, without `/api/v1`
 */
export function createPages(
  database: Database,
  isStopping: () => boolean,
  publicUrl: string | false = false,
): Record<string, Page> {
  let lastCheck: { at: number; result: Promise<boolean> } | undefined;

  /** Whether the database responds. All probes within an interval share one check. */
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

/** Serves the contract or its documentation, read on the first request. */
function file(name: ContractFile, type: string, publicUrl: string | false): Page {
  let kept: { content: Buffer; entityTag: string; policy: string } | undefined;
  return (_request, response) => {
    if (!kept) {
      const built = readFileSync(require.resolve(name), "utf8");
      const content = Buffer.from(listOwnServerFirst(name, built, publicUrl));
      const entityTag = `"${crypto.hash("sha256", content, "base64url")}"`;
      // The documentation contains its own policy, with the hashes of its scripts and styles.
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
