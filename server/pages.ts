/** Pages besides the operations: the contract, its documentation, and health checks. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Request, Response } from "express";
import type { Database } from "./database/database.ts";
import { serveFile, serveScript } from "./documentation.ts";

/** How long a readiness check waits for the database. During that time, a load balancer keeps sending requests. */
const readinessTimeoutInMilliseconds = 600;

/** How long the result of a readiness check is reused. */
const readinessIntervalInMilliseconds = 300;

/** Handles GET and HEAD for a path. */
export type Page = (request: Request, response: Response) => void | Promise<void>;

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
    "/docs": serveFile("#docs/index.html", "text/html", publicUrl),
    "/docs/docs.js": serveScript(),
    "/docs/postman.json": serveFile("#docs/postman.json", "application/json", publicUrl),
    "/openapi.json": serveFile("#openapi.json", "application/json", publicUrl),
    "/openapi.yaml": serveFile("#openapi.yaml", "application/yaml", publicUrl),
    "/healthz": (_request, response) => void response.json({ status: "ok" }),
    async "/readyz"(_request, response) {
      const isReady = !isStopping() && (await isReachable());
      response.status(isReady ? 200 : 503).json({
        status: isReady ? "ready" : isStopping() ? "stopping" : "unavailable",
      });
    },
  };
}
