import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { assertContract } from "../../server/checkedFetch.ts";
import {
  createKeyByCommand,
  runCommand,
  runProgram,
  runServer,
  type SpawnedServer,
  spawnServer,
} from "../support/processes.ts";
import { openConnection, parseResponses } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

let folder: string;
let DATABASE_URL: string;
beforeEach(() => {
  const temporary = temporaryFolder();
  onTestFinished(temporary.remove);
  folder = temporary.path;
  DATABASE_URL = `sqlite:${join(folder, "process.db")}`;
});

/** The headers of a create, whose client waits for the server to read its body. */
function createRequestHeaders(key: string, contentLength: number): string {
  return [
    "POST /api/v1/customers HTTP/1.1",
    "Host: localhost",
    `Authorization: Bearer ${key}`,
    "Content-Type: application/json",
    `Content-Length: ${contentLength}`,
    "Expect: 100-continue",
    "\r\n",
  ].join("\r\n");
}

describe("environment", () => {
  it.each([
    ["PORT", "http"],
    ["PORT", "65536"],
    ["HOST", " "],
    ["DATABASE_URL", "sqlite:"],
    ["LOG_LEVEL", "loud"],
    ["DATABASE_POOL_SIZE", "0"],
    ["DATABASE_STATEMENT_TIMEOUT", "99"],
    ["RATE_LIMIT_PER_MINUTE", "1000001"],
  ])("start: %s=%s → exit code 1 and a line that names it", async (name, value) => {
    const ended = await runServer({ DATABASE_URL, [name]: value });
    expect(ended).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(/^[^\n]+\n$/) });
    expect(ended.stderr).toContain(`${name}=${value} is not valid. `);
  });

  it("start: several invalid variables → a line for each", async () => {
    const { code, stderr } = await runServer({ PORT: "x", DATABASE_URL: "x", LOG_LEVEL: "x" });
    expect(code).toBe(1);
    const names = stderr
      .trimEnd()
      .split("\n")
      .map((line) => line.split("=")[0]);
    expect(names).toEqual(["PORT", "DATABASE_URL", "LOG_LEVEL"]);
  });

  it.each(["mysql://operator:s3/cr@t@host/name", "postgres//operator:s3/cr@t@host/name"])(
    "start: %s → its password is not printed",
    async (DATABASE_URL) => {
      const { code, stdout, stderr } = await runServer({ DATABASE_URL });
      expect(code).toBe(1);
      expect(stderr).toContain("DATABASE_URL=***@host/name is not valid.");
      expect(stdout + stderr).not.toMatch(/operator|s3|cr@t/);
    },
  );

  it("start: empty variables → the defaults", async () => {
    const server = await spawnServer({ DATABASE_URL, HOST: "", LOG_LEVEL: "", RATE_LIMIT_PER_MINUTE: "" });
    expect(new URL(server.url).hostname).toBe("127.0.0.1");
    const { response } = await server.client(await createKeyByCommand(DATABASE_URL)).GET("/customers");
    expect(response.headers.get("RateLimit-Limit")).toBe("600");
  });
});

describe("start", () => {
  it("start: port in use → logged, exit code 1", async () => {
    const { port } = await spawnServer({ DATABASE_URL });
    const { code, stdout } = await runServer({ DATABASE_URL, PORT: String(port) });
    expect(code).toBe(1);
    const line = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(line).toMatchObject({ level: "fatal", msg: "cannot listen", err: { code: "EADDRINUSE", port } });
  });

  it("start: database cannot be opened → logged, exit code 1", async () => {
    const file = join(folder, "text.db");
    writeFileSync(file, "This is no database, but text that is long enough to be taken for one. ".repeat(20));
    for (const name of [folder, file]) {
      const { code, stdout } = await runServer({ DATABASE_URL: `sqlite:${name}` });
      expect(code).toBe(1);
      const last = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
      expect(last).toMatchObject({ level: "fatal", msg: "cannot open the database" });
      expect(last.reason).toMatch(new RegExp(`^Cannot open the database ${name}: `));
    }
  });
});

/** The output of the first run: the key, and a command to paste. */
async function readWelcome(server: SpawnedServer): Promise<{ key: string; curl: string }> {
  await expect.poll(server.output).toContain("Documentation: ");
  const key = /dk_[\w-]{43}/.exec(server.output())?.[0] ?? "";
  const curl = /^ *(curl .*)$/m.exec(server.output())?.[1] ?? "";
  return { key, curl };
}

describe("first run", () => {
  it("first run: no keys → prints a key, a curl and the documentation, once", async () => {
    const first = await spawnServer({ DATABASE_URL, NODE_ENV: "development" });
    const { key } = await readWelcome(first);
    expect(first.output().match(/^ *dk_[\w-]{43}$/gm)).toHaveLength(1);
    expect(first.output().match(/^ *curl /gm)).toHaveLength(1);
    expect(first.output().match(/^Documentation: .*$/gm)).toEqual([`Documentation: ${first.url}/docs`]);
    first.process.kill("SIGTERM");
    expect(await first.exited).toBe(0);

    const second = await spawnServer({ DATABASE_URL, NODE_ENV: "development" });
    const { data } = await second.client(key).GET("/customers");
    expect(data?.data).toHaveLength(3);
    second.process.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    expect(second.output()).not.toMatch(/dk_[\w-]{43}|curl|Documentation/);
  });

  it("first run: its curl → the demo's customers", async () => {
    const server = await spawnServer({ DATABASE_URL, NODE_ENV: "development" });
    const { curl } = await readWelcome(server);
    writeFileSync(join(folder, ".curlrc"), "include\n");
    const { code, stdout } = await runProgram("bash", ["-c", curl], { CURL_HOME: folder });
    expect(code).toBe(0);
    const [response] = parseResponses(Buffer.from(stdout), "GET", "/api/v1/customers");
    if (!response) throw new Error("curl printed no response");
    assertContract(response);
    expect(response.status).toBe(200);
    expect(JSON.parse(response.body).data).toHaveLength(3);
  });

  it("first run: a key exists → prints no key, creates no company", async () => {
    await createKeyByCommand(DATABASE_URL);
    const server = await spawnServer({ DATABASE_URL, NODE_ENV: "development" });
    await server.fetch("/readyz");
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    expect(server.output()).not.toContain("dk_");
    expect((await runCommand(["keys", "list"], { DATABASE_URL })).stdout).not.toContain("demo");
  });

  it("first run: production → prints no key, creates none", async () => {
    const server = await spawnServer({ DATABASE_URL, NODE_ENV: "production" });
    await server.fetch("/healthz");
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    const lines = server.output().trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
      "starting",
      "listening",
      "request",
      "stopping",
      "stopped",
    ]);
    const { stdout } = await runCommand(["keys", "list"], { DATABASE_URL });
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it("first run: database in memory → works, writes no file", async () => {
    const server = await spawnServer({ DATABASE_URL: "sqlite::memory:", NODE_ENV: "development" });
    const client = server.client((await readWelcome(server)).key);
    const created = await client.POST("/customers", { body: { email: "kept@memory.example" } });
    expect(created.response.status).toBe(201);
    const { data } = await client.GET("/customers");
    expect(data?.data).toHaveLength(4);
    expect(data?.data[0]).toEqual(created.data?.data);
    expect(existsSync(":memory:")).toBe(false);
  });
});

describe("SIGTERM", () => {
  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s: requests → finished; idle connections → closed; not ready",
    async (signal) => {
      const server = await spawnServer({ DATABASE_URL });
      const key = await createKeyByCommand(DATABASE_URL);
      const idle = await openConnection(server.port);
      idle.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await idle.receives('{"status":"ok"}');

      const body = JSON.stringify({ email: "half@sent.example" });
      const busy = await openConnection(server.port);
      busy.send(createRequestHeaders(key, body.length));
      // From here on the server is reading the body.
      await busy.receives("100 Continue");
      busy.send(body.slice(0, 10));

      server.process.kill(signal);
      await idle.closed;
      const readiness = await server.fetch("/readyz");
      expect(readiness.status).toBe(503);
      expect(await readiness.json()).toEqual({ status: "stopping" });
      expect(server.output()).not.toContain('"msg":"stopped"');

      busy.send(body.slice(10));
      const response = parseResponses(await busy.closed, "POST", "/api/v1/customers").at(-1);
      if (!response) throw new Error("The request got no response");
      assertContract(response);
      expect(response.status).toBe(201);
      expect(response.headers.connection).toBe("close");
      expect(await server.exited).toBe(0);
      // The lines of the request and of the stop are written before the exit.
      expect(server.output()).toMatch(/"status":201.*"msg":"stopped"/s);

      const restarted = await spawnServer({ DATABASE_URL });
      const { data } = await restarted.client(key).GET("/customers");
      expect(data?.data).toEqual([JSON.parse(response.body).data]);
    },
  );

  it("SIGTERM: request on an idle connection soon after → 200 with Connection: close", async () => {
    const server = await spawnServer({ DATABASE_URL });
    const kept = await openConnection(server.port);
    const request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    kept.send(request);
    await kept.receives('{"status":"ok"}');
    server.process.kill("SIGTERM");
    await expect.poll(server.output).toContain('"msg":"stopping"');
    // A load balancer that has not yet noticed that the server is not ready also opens new connections.
    expect((await server.fetch("/readyz")).status).toBe(503);
    kept.send(request);
    const responses = parseResponses(await kept.closed, "GET", "/healthz");
    expect(responses.map(({ status, headers }) => [status, headers.connection])).toEqual([
      [200, "keep-alive"],
      [200, "close"],
    ]);
    expect(await server.exited).toBe(0);
  });

  it("SIGTERM: response in transit to a slow client → arrives in full", async () => {
    const server = await spawnServer({ DATABASE_URL });
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    onTestFinished(() => void socket.destroy());
    socket.write("GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "readable");
    // The kernel holds a part of it and the server the rest, until the client continues reading after the linger time.
    server.process.kill("SIGTERM");
    await sleep(3_000);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    const received = Buffer.concat(chunks);
    const headersEnd = received.indexOf("\r\n\r\n") + 4;
    const length = Number(/content-length: (\d+)/i.exec(received.toString("latin1", 0, headersEnd))?.[1]);
    expect(received.length - headersEnd).toBe(length);
    expect(await server.exited).toBe(0);
  });

  it("SIGTERM: incomplete request → aborted, exit code 0 within ten seconds", async () => {
    const server = await spawnServer({ DATABASE_URL });
    const key = await createKeyByCommand(DATABASE_URL);
    const connection = await openConnection(server.port);
    connection.send(createRequestHeaders(key, 30));
    await connection.receives("100 Continue");
    const toldAt = performance.now();
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(10_000);
  });

  // The grace period for requests in progress is 9 seconds: a server that needlessly waits for its end exceeds this
  // limit.
  it("SIGTERM: connections without a request → not waited for", async () => {
    const server = await spawnServer({ DATABASE_URL });
    const silent = await openConnection(server.port);
    const idle = await openConnection(server.port);
    idle.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await idle.receives('{"status":"ok"}');
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    await Promise.all([silent.closed, idle.closed]);
  }, 9_000);
});

describe("pages", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  it.each([
    ["/openapi.json", "generated/openapi.json", /^application\/json/],
    ["/openapi.yaml", "openapi/openapi.yaml", /^application\/yaml/],
    ["/docs", "dist/docs/index.html", /^text\/html/],
    ["/docs/postman.json", "dist/docs/postman.json", /^application\/json/],
  ])("%s: GET and HEAD without a key → 200 with %s", async (path, file, mediaType) => {
    const response = await server.fetch(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toMatch(mediaType);
    // The first server in the contract is its own, as test/http/publicUrl.test.ts verifies.
    const own = /"servers": ?\[.*?\]|^servers:\n(?: .*\n)+/gms;
    const strip = (text: string) => text.replace(own, "");
    expect(strip(await response.text())).toBe(strip(readFileSync(file, "utf8")));
    const head = await server.fetch(path, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.headers.get("Content-Length")).toBe(response.headers.get("Content-Length"));
    expect(await head.text()).toBe("");
  });

  it("/docs: Content-Security-Policy → its own; other pages may load nothing", async () => {
    const html = await (await server.fetch("/docs")).text();
    const [, own] = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(html) ?? [];
    expect(own).toMatch(
      /^default-src 'none'; script-src 'sha256-[\w+/]+='; style-src( 'sha256-[\w+/]+='){2}; /,
    );
    for (const [path, policy] of [
      ["/docs", own],
      ["/openapi.json", "default-src 'none'"],
      ["/openapi.yaml", "default-src 'none'"],
    ] as const) {
      const { headers } = await server.fetch(path);
      expect(headers.get("Content-Security-Policy")).toBe(`${policy}; frame-ancestors 'none'`);
    }
  });

  it.each([
    ["br", "br"],
    ["gzip, deflate", "gzip"],
    ["br;q=0, gzip;q=0", null],
  ])("/docs and its script: Accept-Encoding: %s → %s, then 304", async (accepted, coding) => {
    const html = await (await server.fetch("/docs")).text();
    const [, script = "", hash] = /<script type="module" src="(.+?)" integrity="(.+?)">/.exec(html) ?? [];
    for (const [path, cacheControl] of [
      ["/docs", "private, no-cache"],
      [`/${script}`, "public, max-age=31536000, immutable"],
    ] as const) {
      const headers = { "Accept-Encoding": accepted };
      const response = await server.fetch(path, { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Encoding")).toBe(coding);
      expect(response.headers.get("Vary")).toBe("Accept-Encoding");
      expect(response.headers.get("Cache-Control")).toBe(cacheControl);
      const text = await response.text();
      expect(text === html || `sha256-${createHash("sha256").update(text).digest("base64")}` === hash).toBe(
        true,
      );
      // Not with fetch, which would add `Cache-Control: no-cache` to a conditional request.
      const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: ${accepted}\r\nIf-None-Match: ${response.headers.get("ETag")}\r\n\r\n`;
      const [again] = await server.exchange(request, { target: path });
      expect([again?.status, again?.body]).toEqual([304, ""]);
    }
  });

  it("/docs: script of another release → 404", async () => {
    for (const path of ["/docs/docs.js", "/docs/docs.js?v=x"])
      expect((await server.fetch(path)).status).toBe(404);
  });

  it("/: GET → 302 to /docs", async () => {
    const response = await server.fetch("/");
    expect(response.status).toBe(302);
    expect(response.headers.get("Location")).toBe("/docs");
  });

  it("/healthz and /readyz: database available → ok and ready", async () => {
    const [health, readiness] = [await server.fetch("/healthz"), await server.fetch("/readyz")];
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    expect([readiness.status, await readiness.json()]).toEqual([200, { status: "ready" }]);
  });

  it("/readyz: migration missing → 503, /healthz stays ok", async () => {
    const server = await startServer();
    onTestFinished(() => server.stop());
    await forgetMigrations(server);
    const [health, readiness] = [await server.fetch("/healthz"), await server.fetch("/readyz")];
    expect(health.status).toBe(200);
    expect([readiness.status, await readiness.json()]).toEqual([503, { status: "unavailable" }]);
  });

  it("pages: other method → 405, other case or trailing slash → 404", async () => {
    for (const path of ["/", "/docs", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz"]) {
      const rejected = await server.fetch(path, { method: "POST" });
      expect([rejected.status, rejected.headers.get("Allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    }
    for (const path of ["/Docs", "/docs/", "/openapi.json/", "/healthz/", "/favicon.ico"])
      expect((await server.fetch(path)).status).toBe(404);
  });
});

/** Changes the database to that of an older version. */
async function forgetMigrations({ database }: TestServer): Promise<void> {
  const statement = database.prepare(database.knex.raw("delete from migrations returning version"));
  await database.write([{ statement, values: {} }]);
}
