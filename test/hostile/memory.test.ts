/** Memory of a server after a hundred thousand generated requests. */
import { once } from "node:events";
import fc from "fast-check";
import { expect, it } from "vitest";
import { operations } from "../../server/contract.ts";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { createKeyByCommand, spawnServer } from "../support/processes.ts";
import { Caller, sendAll } from "./caller.ts";
import { count } from "./counts.ts";
import { generateRequests } from "./requests.ts";

const promisedMegabytes = 5;
/** Sent before the first reading: what is compiled once and kept is no growth. */
const warmUpRequests = 2_000;

it("server: 100,000 generated requests → heap grows by less than 5 MB", async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const key = await createKeyByCommand(DATABASE_URL);
  const server = await spawnServer({ DATABASE_URL }, undefined, {
    nodeOptions: ["--expose-gc", "--import", "./test/hostile/heap.mjs"],
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const { data } = await server.client(key).POST("/customers", { body: { email: "known@x.example" } });
  const ids = [data?.data.id ?? "", "019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11"];
  const requests = fc.oneof(...operations.map((operation) => generateRequests(operation, ids, key)));
  const callers = Array.from({ length: 8 }, () => new Caller(server.port));

  async function send(number: number): Promise<void> {
    for (let sent = 0; sent < number; sent += 1_000) await sendAll(callers, fc.sample(requests, 1_000));
  }
  async function readHeapMegabytes(): Promise<number> {
    server.process.send("heap");
    const [bytes] = await once(server.process, "message");
    return bytes / 1_000_000;
  }

  try {
    const atStartup = await readHeapMegabytes();
    await send(warmUpRequests);
    const before = await readHeapMegabytes();
    await send(count("MEMORY_REQUESTS"));
    const growth = (await readHeapMegabytes()) - before;
    const test = "memory of the server";
    addFigure(test, "heap at startup", `${atStartup.toFixed(1)} MB`);
    addFigure(test, `heap after ${warmUpRequests} generated requests`, `${before.toFixed(1)} MB`);
    addFigure(test, `growth in ${count("MEMORY_REQUESTS")} more`, `${growth.toFixed(2)} MB`, "under 5 MB");
    expect(growth).toBeLessThan(promisedMegabytes);
  } finally {
    for (const caller of callers) caller.close();
  }
});
