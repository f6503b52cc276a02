/** Clients that write without a pause, and know what they were told: what a crash must not have lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { components } from "../../generated/api.ts";

/** What a writer needs of a server: checked requests. */
interface Server {
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

type Customer = components["schemas"]["Customer"];

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** A write, which is sent again as it is until it is answered. */
type Write = { number: number } & ({ method: "POST"; email: string } | { method: "PATCH"; id: string });

/** A write as it is sent: every field says the same number, so that half of one would show. */
function bodyOf(write: Write) {
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

/** Whether `fetch` lost its connection: undici throws a TypeError with a cause then. */
function isLostConnection(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}

/** One client, which creates customers and changes those that it has created. */
export class Writer {
  /** Every customer as the last answer to this writer showed it, by id. */
  readonly acknowledged = new Map<string, Customer>();
  /** Answers that acknowledged a write. */
  acknowledgedWrites = 0;
  /** Writes that were sent again, as their answer did not come. */
  retries = 0;
  /** Those of them that were creates, and had taken effect the first time. */
  replays = 0;
  /** Answers that said that the database is away. */
  refusals = 0;
  /** The write that was sent, and not answered. */
  unanswered: Write | undefined;
  /** What `check` found stored of the unanswered create. */
  #found: Customer | undefined;
  /** The latest create that was answered, and its answer. */
  #created: { write: Write; answer: Answer } | undefined;
  #touched = new Set<string>();
  #number = 0;
  readonly #name: string;
  readonly #key: string;

  constructor(name: string, key: string) {
    this.#name = name;
    this.#key = key;
  }

  /** Writes until it has lost its connection, or `isOver`; 503 is answered by the same write again. */
  async run(server: Server, onAcknowledged: () => void, isOver = () => false): Promise<void> {
    try {
      while (this.unanswered || !isOver()) {
        if (this.unanswered) this.retries += 1;
        this.unanswered ??= this.#next();
        const answer = await this.#send(server, this.unanswered);
        if (answer.status === 503) {
          this.refusals += 1;
          await sleep(20);
        } else {
          this.#acknowledge(this.unanswered, answer);
          this.unanswered = undefined;
          onAcknowledged();
        }
      }
    } catch (error) {
      if (!isLostConnection(error)) throw error;
    }
  }

  /**
   * Compares what is stored with what was answered since the last check.
   * @returns what is lost, and what is half applied; both are empty when all is well
   */
  async check(server: Server): Promise<{ lost: string[]; half: string[] }> {
    const [lost, half]: [string[], string[]] = [[], []];
    const { unanswered } = this;
    for (const id of this.#touched) {
      const expected = this.acknowledged.get(id) as Customer;
      const { status, text } = await this.#get(server, `/customers/${id}`);
      const stored: Customer | undefined = status === 200 ? JSON.parse(text).data : undefined;
      if (!stored) lost.push(`${id} is not there`);
      else if (JSON.stringify(stored) === JSON.stringify(expected)) continue;
      // What was not answered may have taken effect, but then as a whole.
      else if (unanswered?.method !== "PATCH" || unanswered.id !== id) lost.push(`${id}: ${text}`);
      else if (!isWhole(stored, unanswered.number)) half.push(`${id}: ${text}`);
    }
    this.#touched.clear();
    this.#found = undefined;
    if (unanswered?.method === "POST") {
      const { text } = await this.#get(server, `/customers?search=${unanswered.email}`);
      const [found]: Customer[] = JSON.parse(text).data;
      if (found && !isWhole(found, unanswered.number)) half.push(text);
      this.#found = found;
    }
    if (this.#created) {
      // The answer has come, but its client may not know that.
      const again = await this.#send(server, this.#created.write);
      expect([again.status, again.text]).toEqual([201, this.#created.answer.text]);
      for (const name of ["ETag", "Location"])
        expect(again.headers.get(name)).toBe(this.#created.answer.headers.get(name));
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

  #acknowledge(write: Write, answer: Answer): void {
    const customer: Customer = JSON.parse(answer.text).data;
    expect(answer.status).toBe(write.method === "POST" ? 201 : 200);
    expect(isWhole(customer, write.number)).toBe(true);
    if (write.method === "POST") {
      if (this.#found) {
        expect(customer).toEqual(this.#found);
        expect(answer.headers.get("Idempotent-Replayed")).toBe("true");
      }
      if (answer.headers.has("Idempotent-Replayed")) this.replays += 1;
      this.#found = undefined;
      this.#created = { write, answer };
    }
    this.acknowledgedWrites += 1;
    this.acknowledged.set(customer.id, customer);
    this.#touched.add(customer.id);
  }

  async #send(server: Server, write: Write): Promise<Answer> {
    const isCreate = write.method === "POST";
    const response = await server.fetch(`/api/v1/customers${isCreate ? "" : `/${write.id}`}`, {
      method: write.method,
      headers: {
        Authorization: `Bearer ${this.#key}`,
        "Content-Type": "application/json",
        ...(isCreate && { "Idempotency-Key": write.email }),
      },
      body: JSON.stringify(bodyOf(write)),
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
