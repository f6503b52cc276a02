/** What the sandbox holds at each start: two companies, their customers and their keys, always the same. */
import crypto from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Scope } from "../../generated/messages.ts";
import { scopes as bothScopes, contract } from "../contract.ts";
import { createdAt } from "../customerIds.ts";
import { type CustomerRow, createCustomerTable } from "../database/customers.ts";
import type { Database, Step, Value } from "../database/database.ts";
import type { Customer } from "../operations.ts";

/** A key of the sandbox, and what it is for. */
export interface SandboxKey {
  /** `dk_` and 43 characters, as every key; these spell what it does. */
  key: string;
  meaning: string;
  company: "sandbox" | "another";
  scopes: Scope[];
  /** Milliseconds since 1970. */
  expiresAt?: number;
  revokedAt?: number;
}

const firstDay = Date.UTC(2026, 0, 5, 8);
const hour = 3_600_000;

/** A key by its name. The zeros make it as long as any. */
function keyOf(name: string, meaning: string, other: Partial<SandboxKey> = {}): SandboxKey {
  return {
    key: `dk_${`sandbox_${name}_`.padEnd(43, "0")}`,
    meaning,
    company: "sandbox",
    scopes: bothScopes,
    ...other,
  };
}

/** A key for each case. */
export const sandboxKeys = {
  both: keyOf("read_and_write", "may read and write"),
  read: keyOf("read_only", "may only read: 403 on writes", { scopes: ["customers:read"] }),
  write: keyOf("write_only", "may only write: 403 on reads", { scopes: ["customers:write"] }),
  revoked: keyOf("revoked", "was revoked: 401", { revokedAt: firstDay }),
  expired: keyOf("expired", "has expired: 401", { expiresAt: firstDay }),
  limited: keyOf("five_a_minute", "may make 5 requests a minute: 429 from the sixth"),
  another: keyOf("another_company", "is of another company, which has other customers", {
    company: "another",
  }),
  broken: keyOf("internal_error", "finds a server with a mistake: 500"),
  unavailable: keyOf("unavailable", "finds a database that is down: 503"),
};

/** An Idempotency-Key that company `sandbox` has used with a body that nobody knows: 422. */
export const usedIdempotencyKey = "sandbox-used";

/** Names that have broken software before. */
const names = [
  "Corner Bakery",
  "Gasthaus zur Löwin",
  // Decomposed: o and a combining diaeresis.
  "Ho\u0308lle & So\u0308hne GmbH",
  "ΑΡΤΟΠΟΙΕΙΟ Ο ΑΓΓΕΛΟΣ",
  "İstanbul Lokantası",
  "Straßenküche <Nord>",
  'O\'Brien "The Grill"',
  "100% _Bio_ \\ *Markt*",
  "家族の食堂 👨‍👩‍👧‍👦",
  "مطعم النخيل",
  "מאפיית השכונה",
  "Ｃａｆé ｗｉｄｅ",
  "Kawiarnia Żółw",
  // Reverses what follows it where it is shown.
  "\u202Eolleh",
  "𝒜cme 𝟚",
  "'; DROP TABLE customers; --",
  " spaces around ",
  "🍞".repeat(200),
  "Ñ",
  null,
];
const notes = [
  null,
  "Delivers on Tuesdays.",
  "Two lines:\nring twice, the door to the yard is blue.",
  "é".repeat(2000),
];
const creditLimits = [null, 0, 5000, 0.1 + 0.2, 100_000_000, 4.35];
const taxRates = [null, 0, 0.07, 0.3, 0.19];

/** The customers of a company, the oldest first; those of two companies share no id and no moment. */
function customersOf(company: SandboxKey["company"], count: number): CustomerRow[] {
  const second = company === "sandbox" ? 0 : 1_000;
  return Array.from({ length: count }, (_, index) => {
    const time = firstDay + index * hour + second;
    const chance = Buffer.from(crypto.hash("sha256", `${company} ${index}`), "hex").subarray(0, 16);
    const id = uuidv7({ msecs: time, seq: 0, random: chance });
    return {
      id,
      email: `buyer${index % 9 === 8 ? "!o+b" : ""}.${String(index).padStart(3, "0")}@${company}.example`,
      name: names[index % names.length] as string | null,
      status: index % 7 === 6 ? "BLOCKED" : "ACTIVE",
      notes: notes[index % notes.length] as string | null,
      creditLimit: creditLimits[index % creditLimits.length] as number | null,
      taxRateOverride: taxRates[index % taxRates.length] as number | null,
      emailVerified: index % 3 !== 0,
      // Every fourth has changed since.
      version: createdAt(id) + (index % 4 === 3 ? 30 * hour : 0),
    };
  });
}

/** The customer of the contract's examples, with its id and its entity tag. */
function readExampleCustomer(): CustomerRow {
  const { createdAt: _, updatedAt, ...fields }: Customer = contract.components.examples.customer.value.data;
  return { ...fields, version: Date.parse(updatedAt) };
}

/** The customers of each company, the oldest first. */
export const sandboxCustomers = {
  sandbox: [readExampleCustomer(), ...customersOf("sandbox", 259)],
  another: customersOf("another", 40),
};

/** Fills an empty database. */
export async function fillSandbox(database: Database): Promise<void> {
  const { knex, prepare, write } = database;
  const customers = createCustomerTable(database);
  /** Inserts a row, in the order and by the names of its columns. */
  function insertion(table: string, row: Record<string, Value | boolean>): Step {
    return { statement: prepare(knex(table).insert(row).returning("*")), values: {} };
  }
  const steps: Step[] = [];
  for (const [index, company] of (["sandbox", "another"] as const).entries()) {
    const companyId = `00000000-0000-7000-8000-00000000000${index + 1}`;
    steps.push(insertion("companies", { id: companyId, slug: company, created_at: firstDay }));
    for (const customer of sandboxCustomers[company])
      steps.push(customers.insertion(companyId, customer, null));
    for (const [place, [name, key]] of Object.entries(sandboxKeys).entries()) {
      if (key.company !== company) continue;
      steps.push(
        insertion("api_keys", {
          id: `00000000-0000-7000-9000-00000000000${place}`,
          company_id: companyId,
          name,
          prefix: key.key.slice(0, 12),
          sha256: crypto.hash("sha256", key.key),
          scopes: key.scopes.join(","),
          created_at: firstDay,
          expires_at: key.expiresAt ?? null,
          revoked_at: key.revokedAt ?? null,
        }),
      );
    }
  }
  steps.push(
    insertion("idempotency_keys", {
      company_id: "00000000-0000-7000-8000-000000000001",
      key: usedIdempotencyKey,
      body_sha256: "of another body",
      customer_id: sandboxCustomers.sandbox[0]?.id as string,
      // So that it never expires.
      created_at: Number.MAX_SAFE_INTEGER,
    }),
  );
  await write(steps);
}
