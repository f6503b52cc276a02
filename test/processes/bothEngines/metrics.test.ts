/** Metrics on their own port, and the drift check of responses. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { breakStatus, lockDatabase } from "../../support/databaseFaults.ts";
import { createTemporaryDatabase } from "../../support/databases.ts";
import { createKeyByCommand, runServer, spawnServer } from "../../support/processes.ts";
import { exchangeBytes } from "../../support/rawHttp.ts";

/** Starts a server in its own process, on a new database, with metrics and a key. */
async function startMeasured(environment: Record<string, string> = {}) {
  const DATABASE_URL = await createTemporaryDatabase();
  const server = await spawnServer({ DATABASE_URL, METRICS_PORT: "0", ...environment });
  const key = await createKeyByCommand(DATABASE_URL);
  const metricsUrl = /"metricsUrl":"([^"]+)"/.exec(server.output())?.[1] ?? "";
  const Authorization = `Bearer ${key}`;
  return {
    ...server,
    databaseUrl: DATABASE_URL,
    key,
    metricsUrl,
    client: server.client(key),
    get: (path: string, headers: Record<string, string> = { Authorization }) =>
      server.fetch(`/api/v1${path}`, { headers }),
    async metrics(): Promise<string> {
      const response = await fetch(metricsUrl);
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      return response.text();
    },
    /** Returns the value of a series, such as `http_requests_in_flight`; undefined if there is none. */
    async readValue(series: string): Promise<number | undefined> {
      const line = (await this.metrics()).split("\n").find((found) => found.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
  };
}

const requests = (operation: string, status: number | string) =>
  `http_requests_total{operation="${operation}",status="${status}"}`;

describe("METRICS_PORT", () => {
  it("METRICS_PORT: not set → no metrics anywhere", async () => {
    const server = await spawnServer({ DATABASE_URL: await createTemporaryDatabase() });
    expect(server.output()).toContain('"msg":"listening"');
    expect(server.output()).not.toContain("metricsUrl");
    expect((await server.fetch("/metrics")).status).toBe(404);
  });

  it("METRICS_PORT: set → serves /metrics only, the API's port none", async () => {
    const server = await startMeasured();
    expect(await server.metrics()).toContain("# TYPE http_requests_total counter");
    expect((await fetch(new URL("/api/v1/customers", server.metricsUrl))).status).toBe(404);
    expect((await server.fetch("/metrics")).status).toBe(404);
  });

  it("METRICS_PORT: in use → exit code 1 and a line that says so", async () => {
    const { metricsUrl } = await startMeasured();
    const { code, stdout } = await runServer({
      DATABASE_URL: await createTemporaryDatabase(),
      METRICS_PORT: new URL(metricsUrl).port,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/"msg":"cannot serve metrics"/);
  });
});

describe("metrics", () => {
  it("metrics: requests → counted by operation and status, timed", async () => {
    const server = await startMeasured();
    const { response } = await server.client.POST("/customers", { body: { email: "a@x.example" } });
    const path = `/customers/${response.headers.get("Location")?.split("/").at(-1)}`;
    for (let n = 0; n < 3; n++) await server.get(path);
    await server.get("/customers/unknown");
    await server.get("/customers", {});
    await server.get("/nowhere");
    await exchangeBytes(server.port, "nonsense\r\n\r\n");
    await expect.poll(() => server.readValue(requests("none", 400))).toBe(1);
    const expected: [string, number][] = [
      [requests("createCustomer", 201), 1],
      [requests("getCustomer", 200), 3],
      [requests("getCustomer", 404), 1],
      [requests("listCustomers", 401), 1],
      [requests("none", 404), 1],
      ['http_request_duration_seconds_count{operation="getCustomer"}', 4],
      ['http_request_duration_seconds_bucket{le="+Inf",operation="getCustomer"}', 4],
      ["http_requests_in_flight", 0],
      // The create, and the key's time of last use.
      ['database_duration_seconds_count{kind="write"}', 2],
    ];
    for (const [series, value] of expected)
      expect([series, await server.readValue(series)]).toEqual([series, value]);
    expect(await server.readValue('database_duration_seconds_sum{kind="write"}')).toBeGreaterThan(0);
    expect(await server.readValue("nodejs_eventloop_lag_p99_seconds")).toBeGreaterThan(0);
    expect(await server.readValue("process_resident_memory_bytes")).toBeGreaterThan(1e7);
    const open = await server.readValue('database_connections{state="idle"}');
    if (process.env.TEST_ENGINE === "postgres") expect(open).toBeGreaterThan(0);
    else expect(open).toBeUndefined();
  });

  it("metrics: keys, IDs, companies, callers' input → absent", async () => {
    const server = await startMeasured();
    const body = { email: "secret-email@x.example", name: "secret-name" };
    const { data } = await server.client.POST("/customers", { body });
    await server.get(`/customers/${data?.data.id}?secret-query=1`);
    await server.get("/secret-path", { Authorization: "Bearer secret-key" });
    await expect.poll(() => server.readValue(requests("none", 404))).toBe(1);
    const metrics = await server.metrics();
    for (const secret of ["secret", server.key.slice(0, 12), "acme", data?.data.id as string])
      expect(metrics).not.toContain(secret);
  });

  it("metrics: request without a complete response → in flight", async () => {
    const server = await startMeasured();
    const body = exchangeBytes(
      server.port,
      [
        "POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9",
        `Authorization: Bearer ${server.key}\r\n\r\n{`,
      ].join("\r\n"),
      2_000,
    );
    await expect.poll(() => server.readValue("http_requests_in_flight")).toBe(1);
    expect((await body).toString()).toBe("");
    await expect.poll(() => server.readValue("http_requests_in_flight")).toBe(0);
    expect(await server.readValue(requests("createCustomer", "aborted"))).toBe(1);
  });

  it("metrics: connection closed before queued responses → not in flight", async () => {
    const server = await startMeasured();
    const unlock = await lockDatabase(server);
    const head = (line: string) => `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n`;
    const create = `${head("POST /api/v1/customers")}Content-Type: application/json\r\nContent-Length: 21\r\n\r\n{"email":"a@b.cd.ef"}`;
    const ended = exchangeBytes(
      server.port,
      create + `${head("GET /api/v1/customers/unknown")}\r\n`.repeat(9),
      600,
    );
    // The other requests have not started: a connection has one request in progress at a time.
    await expect.poll(() => server.readValue("http_requests_in_flight")).toBe(1);
    expect((await ended).toString()).toBe("");
    await expect
      .poll(() => server.readValue("http_requests_in_flight"), { timeout: 5_000, interval: 100 })
      .toBe(0);
    expect(await server.readValue(requests("createCustomer", "aborted"))).toBe(1);
    expect((await server.readValue(requests("getCustomer", 404))) ?? 0).toBeLessThanOrEqual(1);
    await unlock();
  });

  it("metrics: 429 → counted by key and by address", async () => {
    const server = await startMeasured({ RATE_LIMIT_PER_MINUTE: "10" });
    const statuses: number[] = [];
    for (let n = 0; n < 14; n++) statuses.push((await server.get("/customers")).status);
    for (let n = 0; n < 3; n++)
      statuses.push((await server.get("/customers", { Authorization: "Bearer wrong" })).status);
    expect(statuses).toEqual([...Array(10).fill(200), ...Array(4).fill(429), 401, 429, 429]);
    await expect.poll(() => server.readValue(requests("listCustomers", 429))).toBe(6);
    expect(await server.readValue('rate_limited_requests_total{limit="key"}')).toBe(4);
    expect(await server.readValue('rate_limited_requests_total{limit="address"}')).toBe(2);
  });

  it("metrics: WORKERS=2 → one address, the sum of both workers", async () => {
    const server = await startMeasured({ WORKERS: "2" });
    // On connections of their own, so that the workers take turns.
    const headers = { Authorization: `Bearer ${server.key}`, Connection: "close" };
    for (let n = 0; n < 20; n++) expect((await server.get("/customers", headers)).status).toBe(200);
    await expect.poll(() => server.readValue(requests("listCustomers", 200))).toBe(20);
    expect(await server.readValue('http_request_duration_seconds_count{operation="listCustomers"}')).toBe(20);
    server.process.kill("SIGTERM");
    expect(await server.exited).toBe(0);
    await expect(fetch(server.metricsUrl)).rejects.toThrow();
  });
});

it("metrics: names, types, labels → those of the README and of prom-client", async () => {
  const server = await startMeasured();
  await server.get("/customers");
  await expect.poll(() => server.readValue(requests("listCustomers", 200))).toBe(1);
  const metrics = await server.metrics();
  const rows = [
    ...readFileSync("server/README.md", "utf8").matchAll(/^\| `([a-z_0-9]+)` +\| (\w+) +\| (.*?) +\| /gm),
  ];
  const ofOtherEngine =
    process.env.TEST_ENGINE === "postgres" ? "database_disk_free_bytes" : "database_connections";
  const listed = rows.filter(([, name]) => name !== ofOtherEngine);
  for (const [, name, type, labels] of listed) {
    expect(metrics).toContain(`# TYPE ${name} ${type}\n`);
    const series = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, "m").exec(metrics);
    const found = [...(series?.[1] ?? "").matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``);
    expect([name, found.join(", ")]).toEqual([name, labels]);
  }
  const ours = [...metrics.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name as string);
  const names = listed.map(([, name]) => name);
  expect(ours.filter((name) => !names.includes(name) && !/^(nodejs|process)_/.test(name))).toEqual([]);
});

describe("drift check", () => {
  it("drift check: differing response → counted, logged without values, sent", async () => {
    const server = await startMeasured({ DRIFT_CHECK_ONE_IN: "1" });
    const { data } = await server.client.POST("/customers", { body: { email: "a@x.example" } });
    const id = data?.data.id as string;
    expect((await server.get(`/customers/${id}`)).status).toBe(200);
    await expect.poll(() => server.readValue("contract_checked_responses_total")).toBe(2);
    expect(await server.readValue('contract_drift_total{operation="getCustomer"}')).toBe(0);

    await breakStatus(server);

    // Not through the contract check of the tests, which would reject it.
    const response = await fetch(`${server.url}/api/v1/customers/${id}`, {
      headers: { Authorization: `Bearer ${server.key}`, "X-Request-Id": "drifted" },
    });
    expect(response.status).toBe(200);
    expect((await response.json()).data).toEqual({ ...data?.data, status: "SECRET-STATUS" });
    await expect.poll(() => server.readValue('contract_drift_total{operation="getCustomer"}')).toBe(1);
    expect(await server.readValue("contract_checked_responses_total")).toBe(3);
    const lines = () =>
      server
        .output()
        .split("\n")
        .filter((line) => line.includes("differs from the contract"));
    await expect.poll(lines).toHaveLength(1);
    expect(JSON.parse(lines()[0] as string)).toMatchObject({
      level: "error",
      requestId: "drifted",
      operationId: "getCustomer",
      status: 200,
      differences: [
        'body/data/status: must be equal to one of the allowed values {"allowedValues":["ACTIVE","BLOCKED"]}',
      ],
    });
    expect(server.output()).not.toContain("SECRET-STATUS");
  });

  it("drift check: DRIFT_CHECK_ONE_IN → that share of responses, 0 is none", async () => {
    for (const [oneIn, least, most] of [
      ["4", 20, 90],
      ["0", 0, 0],
    ] as const) {
      const server = await startMeasured({ DRIFT_CHECK_ONE_IN: oneIn });
      for (let n = 0; n < 200; n++) await server.get("/customers");
      await expect.poll(() => server.readValue(requests("listCustomers", 200))).toBe(200);
      const checked = await server.readValue("contract_checked_responses_total");
      expect(checked).toBeGreaterThanOrEqual(least);
      expect(checked).toBeLessThanOrEqual(most);
    }
  });
});
