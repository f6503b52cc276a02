/** Tens of thousands of generated requests of each operation: no failure, no answer beyond the contract. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operations } from "../../server/contract.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { addFigure } from "../support/figures.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { Caller, sendAll } from "./caller.ts";
import { texts } from "./corpus.ts";
import { count } from "./counts.ts";
import { choicesOf, type Generated, requestsOf } from "./requests.ts";

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

/** Requests that are on their way together, and are shrunk together. */
const batch = 32;

/** What is wrong with an answer that the contract lets be. */
function faultOf({ isGood }: Generated, { status, body }: ObservedResponse): string | undefined {
  if (status >= 500) return `${status} ${body}`;
  if (isGood === true && status === 400) return `what is as the contract says was refused: ${body}`;
  if (isGood === false && status !== 400) return `what is not as the contract says was answered ${status}`;
  return undefined;
}

describe.each(operations)("$operationId", (operation) => {
  it("answers whatever is sent as the contract says, never 5xx, and 400 where its schemas refuse it and nowhere else", async () => {
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
    const requests = fc.array(requestsOf(operation, ids, ours.key), {
      minLength: batch,
      maxLength: batch,
      size: "max",
    });
    await fc.assert(
      fc.asyncProperty(requests, async (sent) => {
        const answers = await sendAll(callers, sent);
        for (const [index, request] of sent.entries()) {
          const answer = answers[index] as ObservedResponse;
          const fault = faultOf(request, answer);
          if (fault)
            throw new Error(`${fault}\n${JSON.stringify({ ...request, body: request.body?.toString() })}`);
          for (const choice of request.choices) add(choice);
          add(String(answer.status));
          if (request.isGood !== undefined) add(request.isGood ? "good" : "bad");
        }
      }),
      { numRuns: Math.ceil(count("REQUESTS") / batch) },
    );
    expect(choicesOf(operation).filter((choice) => !seen.has(choice))).toEqual([]);
    expect([seen.has("good"), seen.has("bad")]).toEqual([true, true]);
    const statuses = [...seen].filter(([name]) => /^\d+$/.test(name)).sort();
    const figure = (what: string, measured: string, promised: string) =>
      addFigure("generated requests", `${operation.operationId}: ${what}`, measured, promised);
    figure("answers", statuses.map((pair) => pair.join(" × ")).join(", "), "no 5xx, all of the contract");
    figure("requests as the contract says", `${seen.get("good")}`, "none answered 400");
    figure("requests against its schemas", `${seen.get("bad")}`, "all answered 400");
  });
});
