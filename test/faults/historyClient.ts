/**
 * A process of clients that read and write a few customers concurrently with other such processes. Prints its
 * operations and their responses as JSON. `SERVERS`: their URLs; `KEY`; `OPERATIONS`: how many to send.
 */
import assert from "node:assert/strict";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import type { Operation } from "./linearizability.ts";

/** What a client did to a customer, and the response. `customer` is its JSON, or `""` if there is none. */
export type Action =
  | { kind: "read"; customer: string }
  | { kind: "create"; customer: string | "taken" }
  | { kind: "update"; name: string; customer: string }
  | { kind: "updateIf"; held: string; name: string; customer: string | "changed" };

/** An operation on a customer, identified by a number that all clients know. */
export type ClientOperation = Operation<Action> & { number: number };

/** Concurrent connections, and customers at a time: so few that most operations on a customer overlap. */
const clients = 8;
const customersAtOnce = 6;
/** By this process only. */
const operationsPerCustomer = 67;

const { SERVERS = "", KEY = "", OPERATIONS = "" } = process.env;
const servers = SERVERS.split(",");
const total = Number(OPERATIONS);
const checkedFetch = createCheckedFetch();
let sent = 0;
const operations: ClientOperation[] = [];
/** What the clients know of each customer: its ID, and the latest tag with its state. */
const known = new Map<number, { id: string; tag?: string; held: string }>();

/** Milliseconds of the clock that all processes on the machine share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const server = servers[Math.floor(Math.random() * servers.length)];
  const from = now();
  const response = await checkedFetch(`${server}/api/v1/customers${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${KEY}`,
      ...(body && { "Content-Type": "application/json" }),
      // Sometimes a new connection, which may go to another worker.
      ...(Math.random() < 0.2 && { Connection: "close" }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const { data } = JSON.parse(await response.text());
  return { from, to: now(), status: response.status, tag: response.headers.get("ETag"), data };
}

/** Performs an operation on a customer. Returns its entry in the history. */
async function operate(number: number): Promise<Operation<Action>> {
  const email = `customer-${number}@history.example`;
  const name = `name-${process.pid}-${sent}`;
  const customer = known.get(number);
  const draw = Math.random();
  if (!customer || draw < 0.05) {
    // Before its ID is known: find it by email, through the search index.
    if (draw < 0.5) {
      const { from, to, status, data } = await send("GET", `?search=${email}`);
      assert.equal(status, 200);
      if (!data[0]) return { from, to, action: { kind: "read", customer: "" } };
      const held = JSON.stringify(data[0]);
      // A list contains no entity tags.
      known.set(number, { id: data[0].id, held });
      return { from, to, action: { kind: "read", customer: held } };
    }
    const { from, to, status, tag, data } = await send("POST", "", { email, name });
    assert([201, 409].includes(status), `${status}`);
    if (status === 409) return { from, to, action: { kind: "create", customer: "taken" } };
    known.set(number, { id: data.id, tag: tag as string, held: JSON.stringify(data) });
    return { from, to, action: { kind: "create", customer: JSON.stringify(data) } };
  }
  const path = `/${customer.id}`;
  if (draw < 0.5) {
    const { from, to, status, tag, data } = await send("GET", path);
    assert.equal(status, 200);
    known.set(number, { id: data.id, tag: tag as string, held: JSON.stringify(data) });
    return { from, to, action: { kind: "read", customer: JSON.stringify(data) } };
  }
  const { held, tag: heldTag } = customer;
  const isConditional = heldTag !== undefined && draw < 0.75;
  const condition = isConditional ? { "If-Match": heldTag } : undefined;
  const { from, to, status, tag, data } = await send("PATCH", path, { name }, condition);
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
      const generation = Math.floor(sent / (operationsPerCustomer * customersAtOnce));
      sent += 1;
      const number = generation * customersAtOnce + Math.floor(Math.random() * customersAtOnce);
      operations.push({ number, ...(await operate(number)) });
    }
  }),
);
process.stdout.write(JSON.stringify(operations));
