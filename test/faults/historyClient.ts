/**
 * A process of clients that read and write a few customers at the same time as others like it do. Prints what it
 * did and was answered, as JSON. `SERVERS`: their addresses; `KEY`; `OPERATIONS`: how many to send.
 */
import assert from "node:assert/strict";
import { createCheckedFetch } from "../../server/contractCheck.ts";
import type { Operation } from "./linearizability.ts";

/** What a client did to a customer, and was answered. `customer` is its JSON, `""` where there is none. */
export type Action =
  | { kind: "read"; customer: string }
  | { kind: "create"; customer: string | "taken" }
  | { kind: "update"; name: string; customer: string }
  | { kind: "updateIf"; held: string; name: string; customer: string | "changed" };

/** An operation on a customer, who has a number that all clients know. */
export type ClientOperation = Operation<Action> & { number: number };

/** So many connections ask at the same time, of so few customers at a time that most operations meet others on the same. */
const clients = 8;
const customersAtOnce = 6;
/** Of this process alone. */
const operationsOfCustomer = 67;

const { SERVERS = "", KEY = "", OPERATIONS = "" } = process.env;
const servers = SERVERS.split(",");
const total = Number(OPERATIONS);
const checkedFetch = createCheckedFetch();
let sent = 0;
const operations: ClientOperation[] = [];
/** What the clients know of each customer: its id, and the latest tag with its state. */
const known = new Map<number, { id: string; tag?: string; held: string }>();

/** Milliseconds of the clock that all processes of a machine share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const server = servers[Math.floor(Math.random() * servers.length)];
  const from = now();
  const response = await checkedFetch(`${server}/api/v1/customers${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${KEY}`,
      ...(body && { "Content-Type": "application/json" }),
      // Now and then a new connection, which may be another worker's.
      ...(Math.random() < 0.2 && { Connection: "close" }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const { data } = JSON.parse(await response.text());
  return { from, to: now(), status: response.status, tag: response.headers.get("ETag"), data };
}

/** One operation on a customer, and what of it goes into the history. */
async function operate(number: number): Promise<Operation<Action>> {
  const email = `customer-${number}@history.example`;
  const name = `name-${process.pid}-${sent}`;
  const customer = known.get(number);
  const draw = Math.random();
  if (!customer || draw < 0.05) {
    // Before anybody knows its id: by its email, and through the index of the search.
    if (draw < 0.5) {
      const { from, to, status, data } = await ask("GET", `?search=${email}`);
      assert.equal(status, 200);
      if (!data[0]) return { from, to, action: { kind: "read", customer: "" } };
      const held = JSON.stringify(data[0]);
      // Who has it from a list has no tag of it.
      known.set(number, { id: data[0].id, held });
      return { from, to, action: { kind: "read", customer: held } };
    }
    const { from, to, status, tag, data } = await ask("POST", "", { email, name });
    assert([201, 409].includes(status), `${status}`);
    if (status === 409) return { from, to, action: { kind: "create", customer: "taken" } };
    known.set(number, { id: data.id, tag: tag as string, held: JSON.stringify(data) });
    return { from, to, action: { kind: "create", customer: JSON.stringify(data) } };
  }
  const path = `/${customer.id}`;
  if (draw < 0.5) {
    const { from, to, status, tag, data } = await ask("GET", path);
    assert.equal(status, 200);
    known.set(number, { id: data.id, tag: tag as string, held: JSON.stringify(data) });
    return { from, to, action: { kind: "read", customer: JSON.stringify(data) } };
  }
  const { held, tag: heldTag } = customer;
  const isConditional = heldTag !== undefined && draw < 0.75;
  const condition = isConditional ? { "If-Match": heldTag } : undefined;
  const { from, to, status, tag, data } = await ask("PATCH", path, { name }, condition);
  assert(status === 200 || (isConditional && status === 412), `${status}`);
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
      operations.push({ number, ...(await operate(number)) });
    }
  }),
);
process.stdout.write(JSON.stringify(operations));
