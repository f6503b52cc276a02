/** Tens of thousands of generated requests to each operation: no 5xx, and every response conforms to the contract. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operations } from "../../server/contract.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { addFigure } from "../support/figures.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { Caller, sendAll } from "./caller.ts";
import { texts } from "./corpus.ts";
import { count } from "./counts.ts";
import { type Generated, generateRequests, listChoices } from "./requests.ts";

let server: TestServer;
let callers: Caller[];
beforeAll(async () => {
  server = await startServer();
  callers = Array.from({ length: 8 }, () => new Caller(server.port));
});
afterAll(async () => {
  for (const caller of callers) caller.close();
  await server.stop();
});

/** Requests that are sent concurrently, and shrunk together. */
const batch = 32;

/** Returns what is wrong with a response that conforms to the contract, or undefined. */
function findFault({ isValid }: Generated, { status, body }: ObservedResponse): string | undefined {
  if (status >= 500) return `${status} ${body}`;
  if (isValid === true && status === 400) return `a valid request was rejected: ${body}`;
  if (isValid === false && status !== 400) return `an invalid request got ${status}`;
  return undefined;
}

describe.each(operations)("$operationId", (operation) => {
  it(`${operation.operationId}: generated requests → 400 if and only if invalid, never 5xx`, async () => {
    const ours = await server.partner();
    const theirs = await server.partner();
    const ids = ["019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11"];
    for (const [owner, name] of [
      ...texts.slice(0, 60).map((text) => [ours, text] as const),
      [theirs, "a"] as const,
    ]) {
      const body = { email: `${ids.length}@x.example`, name };
      const sent = await owner.send("POST", "/customers", body);
      if (sent.status === 201) ids.push(sent.body.data.id);
    }
    const seen = new Map<string, number>();
    const add = (name: string) => seen.set(name, (seen.get(name) ?? 0) + 1);
    const requests = fc.array(generateRequests(operation, ids, ours.key), {
      minLength: batch,
      maxLength: batch,
      size: "max",
    });
    await fc.assert(
      fc.asyncProperty(requests, async (sent) => {
        const responses = await sendAll(callers, sent);
        for (const [index, request] of sent.entries()) {
          const response = responses[index] as ObservedResponse;
          const fault = findFault(request, response);
          if (fault)
            throw new Error(`${fault}\n${JSON.stringify({ ...request, body: request.body?.toString() })}`);
          for (const choice of request.choices) add(choice);
          add(String(response.status));
          if (request.isValid !== undefined) add(request.isValid ? "valid" : "invalid");
        }
      }),
      { numRuns: Math.ceil(count("REQUESTS") / batch) },
    );
    expect(listChoices(operation).filter((choice) => !seen.has(choice))).toEqual([]);
    expect([seen.has("valid"), seen.has("invalid")]).toEqual([true, true]);
    const statuses = [...seen].filter(([name]) => /^\d+$/.test(name)).sort();
    const figure = (what: string, measured: string, promised: string) =>
      addFigure("generated requests", `${operation.operationId}: ${what}`, measured, promised);
    figure(
      "responses",
      statuses.map((pair) => pair.join(" × ")).join(", "),
      "no 5xx, all conform to the contract",
    );
    figure("valid requests", `${seen.get("valid")}`, "none gets 400");
    figure("invalid requests", `${seen.get("invalid")}`, "all get 400");
  });
});
