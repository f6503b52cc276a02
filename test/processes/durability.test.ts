import { expect, it } from "vitest";
import type { CustomersClient } from "../../client/index.ts";
import { createTemporaryDatabase } from "../support/databases.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { createKeyByCommand, runCommand, spawnServer } from "../support/processes.ts";

it("restart: customers, API keys and idempotency keys → kept", async () => {
  const databaseUrl = await createTemporaryDatabase();
  const key = await createKeyByCommand(databaseUrl);
  const first = await spawnServer({ DATABASE_URL: databaseUrl });
  const creation = {
    params: { header: { "Idempotency-Key": "once" } },
    body: { email: "kept@restart.example", name: "Käthe 😀", creditLimit: 0.1, taxRateOverride: 0.07 },
  };
  const created = await first.client(key).POST("/customers", creation);
  expect(created.response.status).toBe(201);
  first.process.kill("SIGTERM");
  expect(await first.exited).toBe(0);

  const second = await spawnServer({ DATABASE_URL: databaseUrl });
  const client = second.client(key);
  expect(await listAllCustomers(client)).toEqual([created.data?.data]);
  const got = await client.GET("/customers/{id}", {
    params: { path: { id: created.data?.data.id ?? "" } },
  });
  expect(got.response.headers.get("ETag")).toBe(created.response.headers.get("ETag"));
  const replayed = await client.POST("/customers", creation);
  expect(replayed.response.headers.get("Idempotent-Replayed")).toBe("true");
  expect(replayed.data).toEqual(created.data);
});

it("two servers: 50 concurrent creates of an email → one 201, 49 times 409", async () => {
  const databaseUrl = await createTemporaryDatabase();
  const key = await createKeyByCommand(databaseUrl);
  const servers = [
    await spawnServer({ DATABASE_URL: databaseUrl }),
    await spawnServer({ DATABASE_URL: databaseUrl }),
  ];
  const clients = servers.map((server) => server.client(key));
  const responses = await Promise.all(
    Array.from({ length: 50 }, (_, number) => {
      const email = [..."one@email.example"]
        .map((letter, place) => ((number >> (place % 6)) & 1 ? letter.toUpperCase() : letter))
        .join("");
      return (clients[number % 2] as CustomersClient).POST("/customers", { body: { email } });
    }),
  );
  const statuses = responses.map(({ response }) => response.status).sort();
  expect(statuses).toEqual([201, ...Array(49).fill(409)]);
  const created = responses.find(({ data }) => data)?.data?.data;
  for (const client of clients) expect(await listAllCustomers(client)).toEqual([created]);
});

it("two servers: one Idempotency-Key at once → one customer, 19 replays", async () => {
  const databaseUrl = await createTemporaryDatabase();
  const key = await createKeyByCommand(databaseUrl);
  const servers = [
    await spawnServer({ DATABASE_URL: databaseUrl }),
    await spawnServer({ DATABASE_URL: databaseUrl }),
  ];
  const responses = await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      (servers[number % 2] as (typeof servers)[0]).client(key).POST("/customers", {
        params: { header: { "Idempotency-Key": "together" } },
        body: { email: "together@keys.example" },
      }),
    ),
  );
  for (const { response, data } of responses) {
    expect(response.status).toBe(201);
    expect(data).toEqual(responses[0]?.data);
  }
  const replays = responses.filter(({ response }) => response.headers.has("Idempotent-Replayed"));
  expect(replays).toHaveLength(19);
});

it("two servers: first start at once → both ready, one first key", async () => {
  for (let round = 0; round < 3; round += 1) {
    const databaseUrl = await createTemporaryDatabase();
    const environment = { DATABASE_URL: databaseUrl, NODE_ENV: "development" };
    const servers = await Promise.all([spawnServer(environment), spawnServer(environment)]);
    const listKeys = () => servers.flatMap((server) => server.output().match(/dk_[\w-]{43}/g) ?? []);
    await expect.poll(() => listKeys().length, { timeout: 10_000 }).toBeGreaterThan(0);
    for (const server of servers) {
      expect((await server.fetch("/readyz")).status).toBe(200);
      expect(await listAllCustomers(server.client(listKeys()[0] as string))).toHaveLength(3);
      server.process.kill("SIGTERM");
      expect(await server.exited).toBe(0);
    }
    expect(new Set(listKeys()).size).toBe(1);
  }
});

it("two servers: key revoked → 401 from both", async () => {
  const databaseUrl = await createTemporaryDatabase();
  const key = await createKeyByCommand(databaseUrl);
  const servers = [
    await spawnServer({ DATABASE_URL: databaseUrl }),
    await spawnServer({ DATABASE_URL: databaseUrl }),
  ];
  for (const server of servers)
    expect((await server.client(key).GET("/customers")).response.status).toBe(200);
  const { code } = await runCommand(["keys", "revoke", key.slice(0, 12)], { DATABASE_URL: databaseUrl });
  expect(code).toBe(0);
  for (const server of servers) {
    const { response, error } = await server.client(key).GET("/customers");
    expect(response.status).toBe(401);
    expect(error).toEqual({ error: "This API key is invalid, expired or revoked." });
  }
});
