/** Concurrent clients of several server processes: the history of each customer is linearizable. */
import { describe, expect, it } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";
import { addFigure } from "../support/figures.ts";
import { createKeyByCommand, runCommand, type SpawnedServer, spawnServer } from "../support/processes.ts";
import { count } from "./counts.ts";
import type { Action, ClientOperation } from "./historyClient.ts";
import { isLinearizable, type Model, type Operation } from "./linearizability.ts";

/** The model of a customer. The state is its JSON, or empty before it is created. */
const customerModel: Model<Action> = (state, action) => {
  switch (action.kind) {
    case "read":
      return action.customer === state ? state : undefined;
    case "create":
      if (action.customer === "taken") return state === "" ? undefined : state;
      return state === "" ? action.customer : undefined;
    case "update":
      return applyUpdate(state, action);
    case "updateIf":
      // An entity tag stands for the state of the customer in the response that contained the tag.
      if (action.customer === "changed") return state !== "" && state !== action.held ? state : undefined;
      return state === action.held ? applyUpdate(state, action) : undefined;
  }
};

/** Returns the state after an update, which changes only the name and the time of the update. */
function applyUpdate(
  state: string,
  { name, customer }: { name: string; customer: string },
): string | undefined {
  if (state === "") return undefined;
  const [before, after] = [JSON.parse(state), JSON.parse(customer)];
  const isExpected =
    JSON.stringify({ ...before, name, updatedAt: after.updatedAt }) === customer &&
    after.updatedAt > before.updatedAt;
  return isExpected ? customer : undefined;
}

describe("isLinearizable", () => {
  const v = (name: string, updatedAt: number) => JSON.stringify({ id: 1, name, updatedAt });
  const [a, b, c] = [v("a", 1), v("b", 2), v("c", 3)];
  const history = (...operations: [from: number, to: number, action: Action][]) =>
    isLinearizable(
      operations.map(([from, to, action]) => ({ from, to, action })),
      customerModel,
      "",
    );
  const create: [number, number, Action] = [0, 1, { kind: "create", customer: a }];
  const update: [number, number, Action] = [2, 6, { kind: "update", name: "b", customer: b }];

  it("isLinearizable: read during an update, of either state → true", () => {
    expect(history(create, update, [3, 4, { kind: "read", customer: a }])).toBe(true);
    expect(history(create, update, [3, 4, { kind: "read", customer: b }])).toBe(true);
    expect(
      history(create, update, [3, 5, { kind: "read", customer: b }], [3, 5, { kind: "read", customer: a }]),
    ).toBe(true);
  });

  it("isLinearizable: read of an outdated state, or of one that never existed → false", () => {
    expect(history(create, update, [7, 8, { kind: "read", customer: a }])).toBe(false);
    expect(
      history(create, update, [3, 4, { kind: "read", customer: b }], [5, 7, { kind: "read", customer: a }]),
    ).toBe(false);
    expect(history(create, [2, 3, { kind: "read", customer: c }])).toBe(false);
    expect(history(create, [2, 3, { kind: "read", customer: "" }])).toBe(false);
  });

  it("isLinearizable: two creates, a lost update, two updates of one tag → false", () => {
    expect(history(create, [2, 3, { kind: "create", customer: b }])).toBe(false);
    const second: Action = { kind: "update", name: "c", customer: c };
    expect(history(create, update, [7, 8, second], [9, 10, { kind: "read", customer: b }])).toBe(false);
    const both = [b, c].map((customer): [number, number, Action] => [
      2,
      6,
      { kind: "updateIf", held: a, name: JSON.parse(customer).name, customer },
    ]);
    expect(history(create, ...both)).toBe(false);
    expect(history(create, both[0] as [number, number, Action])).toBe(true);
  });

  it("isLinearizable: 409 for an unused email, 412 for the current tag → false", () => {
    expect(history([0, 1, { kind: "create", customer: "taken" }])).toBe(false);
    expect(history(create, [2, 3, { kind: "updateIf", held: a, name: "b", customer: "changed" }])).toBe(
      false,
    );
  });
});

/** Starts several processes: workers on SQLite, separate servers on PostgreSQL. */
async function startProcesses(DATABASE_URL: string): Promise<SpawnedServer[]> {
  return DATABASE_URL.startsWith("sqlite:")
    ? [await spawnServer({ DATABASE_URL, WORKERS: "2" })]
    : Promise.all([1, 2, 3].map(() => spawnServer({ DATABASE_URL })));
}

it("all operations: concurrent, on several processes → linearizable per customer", async () => {
  const databaseUrl = await createTemporaryDatabase();
  const key = await createKeyByCommand(databaseUrl);
  const servers = await startProcesses(databaseUrl);
  const total = count("HISTORY_OPERATIONS");
  const clientProcesses = 3;

  // Each client process sends requests to every server, independently of the other client processes.
  const programs = await Promise.all(
    Array.from({ length: clientProcesses }, () =>
      runCommand(
        [],
        {
          SERVERS: servers.map(({ url }) => url).join(),
          KEY: key,
          OPERATIONS: String(Math.ceil(total / clientProcesses)),
        },
        ["--import", "tsx", "test/faults/historyClient.ts"],
      ),
    ),
  );
  const histories = new Map<number, Operation<Action>[]>();
  for (const { code, stdout, stderr } of programs) {
    expect(code, stderr).toBe(0);
    for (const { number, ...operation } of JSON.parse(stdout) as ClientOperation[]) {
      histories.set(number, [...(histories.get(number) ?? []), operation]);
    }
  }

  const all = [...histories.values()].flat();
  const overlapping = [...histories.values()].flatMap((history) =>
    history.filter((one) =>
      history.some((other) => other !== one && other.from < one.to && one.from < other.to),
    ),
  );
  const violated = [...histories].filter(([, history]) => !isLinearizable(history, customerModel, ""));
  const conflicts = all.filter(({ action }) => action.customer === "changed" || action.customer === "taken");
  const test = "Concurrent operations";
  addFigure(
    test,
    `operations of ${clientProcesses} processes through ${databaseUrl.startsWith("sqlite:") ? "2 workers" : "3 servers"}`,
    all.length,
    String(total),
  );
  addFigure(test, "overlapping with another on the same customer", overlapping.length);
  addFigure(test, "responses 409 and 412", conflicts.length);
  addFigure(test, "customers; not linearizable", `${histories.size}; ${violated.length}`, "0");
  expect(all.length).toBeGreaterThanOrEqual(total);
  expect(overlapping.length).toBeGreaterThan(total / 2);
  expect(conflicts.length).toBeGreaterThan(0);
  expect(violated).toEqual([]);
});
