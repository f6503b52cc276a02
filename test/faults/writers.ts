/** Clients that write continuously and remember what was acknowledged: a crash must not lose it. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { components } from "../../generated/api.ts";

/** The part of a server that a writer needs: requests whose responses are checked. */
interface Server {
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

type Customer = components["schemas"]["Customer"];

interface ReceivedResponse {
  status: number;
  headers: Headers;
  text: string;
}

/** A write, which is retried unchanged until it is acknowledged. */
type Write = { number: number } & ({ method: "POST"; email: string } | { method: "PATCH"; id: string });

/** Builds the body of a write: every field contains the same number, so that a partial write would be noticed. */
function buildBody(write: Write) {
  const { number } = write;
  return {
    ...(write.method === "POST" && { email: write.email }),
    name: String(number),
    notes: String(number),
    creditLimit: number,
  };
}

function isWhole({ name, notes, creditLimit }: Customer, number: number): boolean {
  return name === String(number) && notes === String(number) && creditLimit === number;
}

/** Whether `fetch` has lost its connection: undici then throws a TypeError with a cause. */
function isLostConnection(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}

/** A client that creates customers and updates them. */
export class Writer {
  /** Every customer as in the last response to this writer, by ID. */
  readonly acknowledged = new Map<string, Customer>();
  /** How many writes were acknowledged. */
  acknowledgedWrites = 0;
  /** How many writes were retried because no response arrived. */
  retries = 0;
  /** How many of the retries were creates that had already taken effect. */
  replays = 0;
  /** How many responses were a 503. */
  unavailableResponses = 0;
  /** The write that was sent and is not acknowledged yet. */
  unacknowledged: Write | undefined;
  /** The customer of an unacknowledged create, if `check` found it stored. */
  #found: Customer | undefined;
  /** The latest create that was acknowledged, and its response. */
  #created: { write: Write; response: ReceivedResponse } | undefined;
  #touched = new Set<string>();
  #number = 0;
  readonly #name: string;
  readonly #key: string;

  constructor(name: string, key: string) {
    this.#name = name;
    this.#key = key;
  }

  /** Writes until the connection is lost, or `isOver`; retries the same write after a 503. */
  async run(server: Server, onAcknowledged: () => void, isOver = () => false): Promise<void> {
    try {
      while (this.unacknowledged || !isOver()) {
        if (this.unacknowledged) this.retries += 1;
        this.unacknowledged ??= this.#next();
        const response = await this.#send(server, this.unacknowledged);
        if (response.status === 503) {
          this.unavailableResponses += 1;
          await sleep(20);
        } else {
          this.#acknowledge(this.unacknowledged, response);
          this.unacknowledged = undefined;
          onAcknowledged();
        }
      }
    } catch (error) {
      if (!isLostConnection(error)) throw error;
    }
  }

  /**
   * Compares what is stored with what was acknowledged since the last check.
   * @returns lost writes, and partially applied ones; both must be empty
   */
  async check(server: Server): Promise<{ lost: string[]; half: string[] }> {
    const [lost, half]: [string[], string[]] = [[], []];
    const { unacknowledged } = this;
    for (const id of this.#touched) {
      const expected = this.acknowledged.get(id) as Customer;
      const { status, text } = await this.#get(server, `/customers/${id}`);
      const stored: Customer | undefined = status === 200 ? JSON.parse(text).data : undefined;
      if (!stored) lost.push(`${id} is missing`);
      else if (JSON.stringify(stored) === JSON.stringify(expected)) continue;
      // An unacknowledged write may have taken effect, but only completely.
      else if (unacknowledged?.method !== "PATCH" || unacknowledged.id !== id) lost.push(`${id}: ${text}`);
      else if (!isWhole(stored, unacknowledged.number)) half.push(`${id}: ${text}`);
    }
    this.#touched.clear();
    this.#found = undefined;
    if (unacknowledged?.method === "POST") {
      const { text } = await this.#get(server, `/customers?search=${unacknowledged.email}`);
      const [found]: Customer[] = JSON.parse(text).data;
      if (found && !isWhole(found, unacknowledged.number)) half.push(text);
      this.#found = found;
    }
    if (this.#created) {
      // The response was sent, but a client may not have received it, and retry.
      const again = await this.#send(server, this.#created.write);
      expect([again.status, again.text]).toEqual([201, this.#created.response.text]);
      for (const name of ["ETag", "Location"])
        expect(again.headers.get(name)).toBe(this.#created.response.headers.get(name));
      expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    }
    return { lost, half };
  }

  #next(): Write {
    this.#number += 1;
    const number = this.#number;
    const known = [...this.acknowledged.keys()].slice(-20);
    if (number % 2 === 1 || known.length === 0)
      return { method: "POST", number, email: `${this.#name}-${number}@writers.example` };
    const id = known[number % known.length] as string;
    return { method: "PATCH", number, id };
  }

  #acknowledge(write: Write, response: ReceivedResponse): void {
    const customer: Customer = JSON.parse(response.text).data;
    expect(response.status).toBe(write.method === "POST" ? 201 : 200);
    expect(isWhole(customer, write.number)).toBe(true);
    if (write.method === "POST") {
      if (this.#found) {
        expect(customer).toEqual(this.#found);
        expect(response.headers.get("Idempotent-Replayed")).toBe("true");
      }
      if (response.headers.has("Idempotent-Replayed")) this.replays += 1;
      this.#found = undefined;
      this.#created = { write, response };
    }
    this.acknowledgedWrites += 1;
    this.acknowledged.set(customer.id, customer);
    this.#touched.add(customer.id);
  }

  async #send(server: Server, write: Write): Promise<ReceivedResponse> {
    const isCreate = write.method === "POST";
    const response = await server.fetch(`/api/v1/customers${isCreate ? "" : `/${write.id}`}`, {
      method: write.method,
      headers: {
        Authorization: `Bearer ${this.#key}`,
        "Content-Type": "application/json",
        ...(isCreate && { "Idempotency-Key": write.email }),
      },
      body: JSON.stringify(buildBody(write)),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async #get(server: Server, path: string): Promise<{ status: number; text: string }> {
    const response = await server.fetch(`/api/v1${path}`, {
      headers: { Authorization: `Bearer ${this.#key}` },
    });
    return { status: response.status, text: await response.text() };
  }
}
