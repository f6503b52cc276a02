/** server/deploy/nginx.conf in front of our servers, unchanged except for addresses and certificate. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type http from "node:http";
import https from "node:https";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { createCustomersClient } from "../../client/index.ts";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import { serve } from "../support/otherServers.ts";
import { createKeyByCommand, runCommand, type SpawnedServer, spawnServer } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { startProxy } from "./proxy.ts";

/** Compares every response through the proxy with the contract, allowing for headers that the proxy adds. */
const checkedFetch = createCheckedFetch({ strictHeaders: false });

/** Starts two of our servers on one database, behind the proxy. */
async function startDeployment(environment: Record<string, string> = {}, hasPrefix = false) {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const DATABASE_URL = `sqlite:${join(folder.path, "deployed.db")}`;
  const key = await createKeyByCommand(DATABASE_URL);
  const start = () => spawnServer({ DATABASE_URL, ...environment });
  const servers: [SpawnedServer, SpawnedServer] = [await start(), await start()];
  const url = await startProxy(
    servers.map(({ port }) => port),
    hasPrefix,
  );
  const send = (path: string, init: RequestInit = {}, ownKey = key) =>
    checkedFetch(`${url}/api/v1${path}`, {
      ...init,
      headers: { Authorization: `Bearer ${ownKey}`, ...(init.headers as Record<string, string>) },
    });
  return { url, key, servers, send };
}

/** Sends a request with an invalid key from this loopback address. Returns the status. */
async function sendInvalidKey(url: string, localAddress: string, forwardedFor?: string): Promise<number> {
  const Authorization = `Bearer dk_${"x".repeat(43)}`;
  const headers = { Authorization, ...(forwardedFor && { "X-Forwarded-For": forwardedFor }) };
  const request = https.get(`${url}/api/v1/customers`, {
    headers,
    localAddress,
    family: 4,
    agent: false,
    ca: readFileSync(join(inject("tlsFolder"), "tls.crt")),
  });
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.resume();
  return response.statusCode as number;
}

describe("nginx.conf with two servers", () => {
  it("nginx.conf: every response of the contract → conforms", async () => {
    const { url, key } = await startDeployment();
    const ended = await runCommand(["contract", "--url", url, "--key", key]);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/\d+ of \d+ responses conform to the contract; 0 differ\./);
  });

  it("nginx.conf: X-Request-Id → passed to the server and back", async () => {
    const { send, servers } = await startDeployment();
    const response = await send("/customers", { headers: { "X-Request-Id": "partner-17" } });
    expect(response.headers.get("X-Request-Id")).toBe("partner-17");
    const seen = () => servers.map(({ output }) => output()).join("");
    await expect.poll(seen).toContain('"requestId":"partner-17"');
  });

  it("nginx.conf: headers of 20 KB and 40 KB → 431; body of 20 MB → 413", async () => {
    const { send, servers } = await startDeployment();
    const rejected = async (init: RequestInit) => {
      const response = await send("/customers", init);
      return [response.status, await response.json(), response.headers.get("Server")];
    };
    const tooLarge = { error: "Request headers are too large." };
    // nginx passes these headers on, and rejects larger ones itself.
    expect(await rejected({ headers: { "X-Long": "x".repeat(20_000) } })).toEqual([431, tooLarge, "nginx"]);
    await expect.poll(() => servers.map(({ output }) => output()).join("")).toContain("HPE_HEADER_OVERFLOW");
    expect(await rejected({ headers: { "X-Long": "x".repeat(40_000) } })).toEqual([431, tooLarge, "nginx"]);
    for (const size of [65_537, 20_000_000]) {
      const init = {
        method: "POST",
        body: "x".repeat(size),
        headers: { "Content-Type": "application/json" },
      };
      expect(await rejected(init)).toEqual([413, { error: "Request body is too large." }, "nginx"]);
    }
  });

  it("nginx.conf: malformed path, rejected by nginx → 400 that conforms", async () => {
    const { send } = await startDeployment();
    const malformed = await send("/customers/%zz");
    expect([malformed.status, await malformed.json()]).toEqual([400, { error: "Malformed request." }]);
  });

  it("TRUST_PROXY: an address over its limit → 401 for invalid keys of another", async () => {
    const { url, send } = await startDeployment({ RATE_LIMIT_PER_MINUTE: "20", TRUST_PROXY: "1" });
    // Two per minute for each of the two servers, which count separately on SQLite.
    const own = await Promise.all(Array.from({ length: 12 }, () => sendInvalidKey(url, "127.0.0.2")));
    expect(own.filter((status) => status === 401)).toHaveLength(4);
    expect(own.filter((status) => status === 429)).toHaveLength(8);
    // A forged X-Forwarded-For changes nothing.
    expect(await sendInvalidKey(url, "127.0.0.2", "203.0.113.7")).toBe(429);
    expect(await sendInvalidKey(url, "127.0.0.3")).toBe(401);
    expect((await send("/customers")).status).toBe(200);
  });

  it("TRUST_PROXY: off, invalid keys over the limit → 429 for those of any address", async () => {
    const { url, send } = await startDeployment({ RATE_LIMIT_PER_MINUTE: "20" });
    // Both servers have seen the live key.
    for (let n = 0; n < 4; n++) expect((await send("/customers")).status).toBe(200);
    await Promise.all(Array.from({ length: 12 }, () => sendInvalidKey(url, "127.0.0.2")));
    expect(await sendInvalidKey(url, "127.0.0.3")).toBe(429);
    expect((await send("/customers")).status).toBe(200);
  });

  it("nginx.conf: example with a prefix → Location below it", async () => {
    const { url, key } = await startDeployment({}, true);
    const create = (base: string, email: string) =>
      fetch(`${url}${base}/customers`, {
        method: "POST",
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ email }),
      });
    const created = await create("/partners/api/v1", "prefix@proxy.example");
    const location = created.headers.get("Location") as string;
    expect([created.status, location]).toEqual([
      201,
      expect.stringMatching(/^\/partners\/api\/v1\/customers\//),
    ]);
    const read = await fetch(url + location, { headers: { Authorization: `Bearer ${key}` } });
    expect(read.status).toBe(200);
    // Paths are passed on unchanged: no slashes are merged, no escapes decoded.
    for (const path of ["/customers/%zz", "//customers"])
      expect(
        (await fetch(`${url}/partners/api/v1${path}`, { headers: { Authorization: `Bearer ${key}` } }))
          .status,
      ).toBe(path.includes("%") ? 400 : 404);
    expect((await create("/api/v1", "plain@proxy.example")).headers.get("Location")).toMatch(/^\/api\/v1\//);
  });

  it("nginx.conf: a server killed under load → no failed read, no lost or double write", async () => {
    const { url, key, servers } = await startDeployment();
    const api = createCustomersClient({ baseUrl: `${url}/api/v1`, apiKey: key, fetch: checkedFetch });
    const created = new Set<string>();
    let [reads, isOver, afterKill] = [0, false, 0];
    async function use(name: string) {
      for (let n = 0; !isOver; n++) {
        const body = { email: `${name}.${n}@proxy.example` };
        const { data } = await api.POST("/customers", { body });
        if (!data) throw new Error(`${body.email} was not created`);
        expect(created.has(data.data.id)).toBe(false);
        created.add(data.data.id);
        // No retries by the client: nginx sends a read that fails at one server to the other.
        const read = await checkedFetch(`${url}/api/v1/customers/${data.data.id}`, {
          headers: { Authorization: `Bearer ${key}` },
        });
        expect(read.status).toBe(200);
        reads++;
        if (servers[0].process.killed) afterKill++;
      }
    }
    const clients = Promise.all(["a", "b", "c", "d", "e", "f", "g", "h"].map(use));
    await expect.poll(() => created.size, { timeout: 60_000 }).toBeGreaterThan(100);
    servers[0].process.kill("SIGKILL");
    await expect.poll(() => afterKill, { timeout: 60_000 }).toBeGreaterThan(200);
    isOver = true;
    await clients;
    expect(reads).toBe(created.size);
    const listed: string[] = [];
    for await (const { id } of api.customers({ limit: 100 })) listed.push(id);
    expect(listed.toSorted()).toEqual([...created].toSorted());
  });

  it("nginx.conf: no server reachable → 503 with Retry-After", async () => {
    const { send, servers } = await startDeployment();
    for (const server of servers) {
      server.process.kill("SIGTERM");
      await server.exited;
    }
    const response = await send("/customers");
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
    expect(await response.json()).toEqual({ error: "Service temporarily unavailable." });
  });
});

it("nginx.conf: connection broken by a server → read retried on the other, write not", async () => {
  const seen: string[] = [];
  const breakOff: http.RequestListener = (request) => {
    seen.push(String(request.method));
    request.socket.destroy();
  };
  const ports = [await serve(breakOff), await serve(breakOff)].map((url) => new URL(url).port);
  const url = await startProxy(ports);
  for (const method of ["GET", "POST", "PATCH"]) {
    seen.length = 0;
    // nginx does not use failed servers for a second.
    await expect
      .poll(
        async () => {
          const path = method === "POST" ? "/customers" : "/customers/x";
          const response = await checkedFetch(`${url}/api/v1${path}`, {
            method,
            ...(method !== "GET" && { body: "{}", headers: { "Content-Type": "application/json" } }),
          });
          expect(response.status).toBe(503);
          return seen.length;
        },
        { timeout: 10_000, interval: 1_500 },
      )
      .toBe(method === "GET" ? 2 : 1);
    expect(new Set(seen)).toEqual(new Set([method]));
  }
});
