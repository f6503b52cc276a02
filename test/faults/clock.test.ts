/** The server's clock goes an hour back, an hour forward, and stands still while clients create and list customers. */
import { expect, it } from "vitest";
import { lockDatabase } from "../support/databaseFaults.ts";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { listAllCustomers } from "../support/listAllCustomers.ts";
import { createKeyByCommand, type SpawnedServer } from "../support/processes.ts";
import { spawnServerWithClock } from "../support/settableClock.ts";
import { count, findLimit } from "./counts.ts";

const hour = 3_600_000;

/** Sends a request with a key. Returns its response. */
async function send(
  server: SpawnedServer,
  key: string,
  method: string,
  path: string,
  body: object,
  idempotencyKey = "",
) {
  const response = await server.fetch(`/api/v1/customers${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${key}`,
      "Content-Type": "application/json",
      ...(idempotencyKey && { "Idempotency-Key": idempotencyKey }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, tag: response.headers.get("ETag"), text, data: JSON.parse(text).data };
}

it("clock: back, forward, still → unique IDs in order, every iteration is complete", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const { server, setClock } = await spawnServerWithClock({ DATABASE_URL });
  const ids: string[] = [];
  const tags: string[] = [];
  let iterations = 0;
  const first = await send(server, key, "POST", "", { email: "first@clock.example" }, "first");
  ids.push(first.data.id);
  tags.push(first.tag as string);

  for (const [turn, state] of [-hour, 0, hour, 0, "still", 0, -hour, "still"].entries()) {
    await setClock(state as number | "still");
    const before = [...ids];
    const created: { from: number; to: number; id: string }[] = [];
    let isOver = false;
    const iterating = (async () => {
      do {
        const seen = (await listAllCustomers(server.client(key))).map(({ id }) => id);
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.filter((id) => before.includes(id))).toEqual([...before].reverse());
        iterations += 1;
      } while (!isOver);
    })();
    await Promise.all(
      [0, 1, 2, 3].map(async (client) => {
        for (let number = 0; number < count("CLOCK_CUSTOMERS") / 4; number += 1) {
          const from = performance.now();
          const { status, data } = await send(server, key, "POST", "", {
            email: `${turn}-${client}-${number}@clock.example`,
          });
          expect(status).toBe(201);
          created.push({ from, to: performance.now(), id: data.id });
        }
      }),
    );
    isOver = true;
    await iterating;
    // In list order, no customer precedes one whose response arrived before its own request was sent.
    created.sort((a, b) => (a.id < b.id ? -1 : 1));
    let latestSent = 0;
    for (const { from, to } of created) {
      expect(to).toBeGreaterThan(latestSent);
      latestSent = Math.max(latestSent, from);
    }
    for (const { id } of created) {
      expect(id > (ids.at(-1) as string)).toBe(true);
      ids.push(id);
    }

    // Every change gives a new tag, and the idempotency key still replays the first response.
    for (const name of [`${turn} one`, `${turn} two`]) {
      const { tag } = await send(server, key, "PATCH", `/${first.data.id}`, { name });
      expect(tags).not.toContain(tag);
      tags.push(tag as string);
    }
    const again = await send(server, key, "POST", "", { email: "first@clock.example" }, "first");
    expect([again.status, again.text]).toEqual([201, first.text]);
  }

  expect((await listAllCustomers(server.client(key))).map(({ id }) => id)).toEqual(ids.toReversed());
  expect(new Set(ids).size).toBe(ids.length);
  addFigure(
    "Clock back, forward, still",
    "customers; duplicate ids, ids out of order",
    `${ids.length}; 0, 0`,
    "0, 0",
  );
  addFigure("Clock back, forward, still", "iterations meanwhile; incomplete", `${iterations}; 0`, "0");
});

it("clock: back an hour while a write waits for a lock → 503 within two seconds", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const { server, setClock } = await spawnServerWithClock({ DATABASE_URL });
  const unlock = await lockDatabase({ databaseUrl: DATABASE_URL });
  const startedAt = performance.now();
  const waiting = send(server, key, "POST", "", { email: "waits@clock.example" });
  await setClock(-hour);
  expect((await waiting).status).toBe(503);
  expect(performance.now() - startedAt).toBeLessThan(findLimit(2_000));
  await unlock();
  expect((await send(server, key, "POST", "", { email: "waits@clock.example" })).status).toBe(201);
});
