/** What several processes answer to concurrent clients, as one history of each customer. */
import { describe, expect, it } from "vitest";
import { createKeyByCommand, databaseOfTest, type SpawnedServer, spawnServer } from "../harness.ts";
import { count } from "./counts.ts";
import { addFigure } from "./figures.ts";
import { isLinearizable, type Model, type Operation } from "./linearizability.ts";

/** What a client did to a customer, and was answered. `customer` is its JSON, `""` where there is none. */
type Action =
  | { kind: "read"; customer: string }
  | { kind: "create"; customer: string | "taken" }
  | { kind: "update"; name: string; customer: string }
  | { kind: "updateIf"; held: string; name: string; customer: string | "changed" };

/** A customer, from before it is created; its state is its JSON. */
const customerModel: Model<Action> = (state, action) => {
  switch (action.kind) {
    case "read":
      return action.customer === state ? state : undefined;
    case "create":
      if (action.customer === "taken") return state === "" ? undefined : state;
      return state === "" ? action.customer : undefined;
    case "update":
      return changed(state, action);
    case "updateIf":
      // An entity tag stands for the customer as it was when the tag was answered.
      if (action.customer === "changed") return state !== "" && state !== action.held ? state : undefined;
      return state === action.held ? changed(state, action) : undefined;
  }
};

/** The state after an update, which leaves everything but the name and the time of the update. */
function changed(state: string, { name, customer }: { name: string; customer: string }): string | undefined {
  if (state === "") return undefined;
  const [before, after] = [JSON.parse(state), JSON.parse(customer)];
  const isExpected =
    JSON.stringify({ ...before, name, updatedAt: after.updatedAt }) === customer &&
    after.updatedAt > before.updatedAt;
  return isExpected ? customer : undefined;
}

describe("the checker of histories", () => {
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

  it("accepts a read beside an update, of the state before and of that after", () => {
    expect(history(create, update, [3, 4, { kind: "read", customer: a }])).toBe(true);
    expect(history(create, update, [3, 4, { kind: "read", customer: b }])).toBe(true);
    expect(
      history(create, update, [3, 5, { kind: "read", customer: b }], [3, 5, { kind: "read", customer: a }]),
    ).toBe(true);
  });

  it("refuses a read of the past, one that goes back, and one of what never was", () => {
    expect(history(create, update, [7, 8, { kind: "read", customer: a }])).toBe(false);
    expect(
      history(create, update, [3, 4, { kind: "read", customer: b }], [5, 7, { kind: "read", customer: a }]),
    ).toBe(false);
    expect(history(create, [2, 3, { kind: "read", customer: c }])).toBe(false);
    expect(history(create, [2, 3, { kind: "read", customer: "" }])).toBe(false);
  });

  it("refuses two creates, a lost update, and two updates that held the same tag", () => {
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

  it("refuses a 409 for a free email, and a 412 for the tag of the present state", () => {
    expect(history([0, 1, { kind: "create", customer: "taken" }])).toBe(false);
    expect(history(create, [2, 3, { kind: "updateIf", held: a, name: "b", customer: "changed" }])).toBe(
      false,
    );
  });
});

/** Several processes: workers on SQLite, servers of their own on PostgreSQL. */
async function startProcesses(DATABASE_URL: string): Promise<SpawnedServer[]> {
  return DATABASE_URL.startsWith("sqlite:")
    ? [await spawnServer({ DATABASE_URL, WORKERS: "2" })]
    : Promise.all([1, 2, 3].map(() => spawnServer({ DATABASE_URL })));
}

it("reads, creates, updates and updates under If-Match through several processes are linearizable for each customer", async () => {
  const databaseUrl = await databaseOfTest();
  const key = await createKeyByCommand(databaseUrl);
  const servers = await startProcesses(databaseUrl);
  const total = count("HISTORY_OPERATIONS");
  const clients = 24;
  /** So few at a time that most operations meet others on the same customer. */
  const customersAtOnce = 6;
  const operationsOfCustomer = 200;

  let sent = 0;
  const histories = new Map<number, Operation<Action>[]>();
  /** What the clients know of each customer: its id, and the latest tag with its state. */
  const known = new Map<number, { id: string; tag: string; held: string }>();

  async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const server = servers[Math.floor(Math.random() * servers.length)] as SpawnedServer;
    const from = performance.now();
    const response = await server.fetch(`/api/v1/customers${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body && { "Content-Type": "application/json" }),
        // Now and then a new connection, which may be another worker's.
        ...(Math.random() < 0.2 && { Connection: "close" }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const { data } = JSON.parse(await response.text());
    return { from, to: performance.now(), status: response.status, tag: response.headers.get("ETag"), data };
  }

  /** One operation on a customer, and what of it goes into the history. */
  async function operate(number: number): Promise<Operation<Action>> {
    const email = `customer-${number}@history.example`;
    const name = `name-${sent}`;
    const customer = known.get(number);
    const draw = Math.random();
    if (!customer || draw < 0.05) {
      // Before anybody knows its id: by its email, and through the index of the search.
      if (draw < 0.5) {
        const { from, to, status, data } = await ask("GET", `?search=${email}`);
        expect(status).toBe(200);
        return { from, to, action: { kind: "read", customer: data[0] ? JSON.stringify(data[0]) : "" } };
      }
      const { from, to, status, tag, data } = await ask("POST", "", { email, name });
      expect([201, 409]).toContain(status);
      if (status === 409) return { from, to, action: { kind: "create", customer: "taken" } };
      known.set(number, { id: data.id, tag: tag as string, held: JSON.stringify(data) });
      return { from, to, action: { kind: "create", customer: JSON.stringify(data) } };
    }
    const path = `/${customer.id}`;
    if (draw < 0.5) {
      const { from, to, status, tag, data } = await ask("GET", path);
      expect(status).toBe(200);
      known.set(number, { id: data.id, tag: tag as string, held: JSON.stringify(data) });
      return { from, to, action: { kind: "read", customer: JSON.stringify(data) } };
    }
    const { held } = customer;
    const isConditional = draw < 0.75;
    const condition = isConditional ? { "If-Match": customer.tag } : undefined;
    const { from, to, status, tag, data } = await ask("PATCH", path, { name }, condition);
    expect(isConditional ? [200, 412] : [200]).toContain(status);
    if (status === 412) return { from, to, action: { kind: "updateIf", held, name, customer: "changed" } };
    const after = JSON.stringify(data);
    known.set(number, { id: data.id, tag: tag as string, held: after });
    return {
      from,
      to,
      action: isConditional
        ? { kind: "updateIf", held, name, customer: after }
        : { kind: "update", name, customer: after },
    };
  }

  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (sent < total) {
        const generation = Math.floor(sent / (operationsOfCustomer * customersAtOnce));
        sent += 1;
        const number = generation * customersAtOnce + Math.floor(Math.random() * customersAtOnce);
        const operation = await operate(number);
        histories.set(number, [...(histories.get(number) ?? []), operation]);
      }
    }),
  );

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
    `operations through ${databaseUrl.startsWith("sqlite:") ? "2 workers" : "3 servers"}`,
    all.length,
    String(total),
  );
  addFigure(test, "that met another on their customer", overlapping.length);
  addFigure(test, "answers 409 and 412", conflicts.length);
  addFigure(test, "customers; not linearizable", `${histories.size}; ${violated.length}`, "0");
  expect(all.length).toBeGreaterThanOrEqual(total);
  expect(overlapping.length).toBeGreaterThan(total / 2);
  expect(conflicts.length).toBeGreaterThan(0);
  expect(violated).toEqual([]);
});
