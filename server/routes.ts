/** Routes: what each path offers, and what each method of it is. */
import { type Operation, operations } from "./contract.ts";
import type { Page } from "./pages.ts";

/** What answers a path. */
export interface Route {
  /** Operations and pages by their method. HEAD is answered by what answers GET. */
  targets: Map<string, Operation | Page>;
  /** For the `Allow` header. */
  allow: string;
}

/** A route and the parameters of the path that led to it, still encoded. */
export interface Match {
  route: Route;
  parameters: Record<string, string>;
}

const none = {};

/**
 * Tells what a path offers, or undefined where there is nothing. Paths are exact: another case or a
 * trailing slash is another path.
 */
export function createRoutes(pages: Record<string, Page>): (path: string) => Match | undefined {
  const byPath = new Map(Object.entries(pages).map(([path, page]) => [path, routeOf([["GET", page]])]));
  const patterns = new Map(operations.map(({ path }) => [path.source, path]));
  const byPattern = [...patterns.values()].map((pattern) => {
    const ofPattern = operations.filter(({ path }) => path.source === pattern.source);
    return { pattern, route: routeOf(ofPattern.map((operation) => [operation.method, operation])) };
  });

  return function matchOf(path) {
    const fixed = byPath.get(path);
    if (fixed) return { route: fixed, parameters: none };
    for (const { pattern, route } of byPattern) {
      const match = pattern.exec(path);
      if (match) return { route, parameters: match.groups ?? none };
    }
    return undefined;
  };
}

function routeOf(targets: [string, Operation | Page][]): Route {
  const methods = targets.flatMap(([method]) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return { targets: new Map(targets), allow: [...methods, "OPTIONS"].join(", ") };
}
