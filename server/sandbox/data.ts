/** The data of the sandbox, the same at each start: two companies with their customers and keys. */
import crypto from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Scope } from "../../generated/messages.ts";
import { scopes as bothScopes, contract } from "../contract.ts";
import { parseCreatedAt } from "../customerIds.ts";
import { type CustomerRow, createCustomerTable } from "../database/customers.ts";
import type { Database, Step, Value } from "../database/database.ts";
import type { Customer } from "../operations.ts";

/** A key of the sandbox, and what it is for. */
export interface SandboxKey {
  /** Like every key, `dk_` and 43 characters, which here spell out what the key does. */
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

/** Creates a key from its name, padded with zeros to the length of a key. */
function createKey(name: string, meaning: string, other: Partial<SandboxKey> = {}): SandboxKey {
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
  both: createKey("read_and_write", "may read and write"),
  read: createKey("read_only", "may only read: 403 on writes", { scopes: ["customers:read"] }),
  write: createKey("write_only", "may only write: 403 on reads", { scopes: ["customers:write"] }),
  revoked: createKey("revoked", "was revoked: 401", { revokedAt: firstDay }),
  expired: createKey("expired", "has expired: 401", { expiresAt: firstDay }),
  limited: createKey("five_a_minute", "may make 5 requests a minute: 429 from the sixth on"),
  another: createKey("another_company", "belongs to another company with other customers", {
    company: "another",
  }),
  broken: createKey("internal_error", "simulates an internal error: 500"),
  unavailable: createKey("unavailable", "simulates an unavailable database: 503"),
};

/** An Idempotency-Key that company `sandbox` has already used with another body: 422. */
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
  // Displays the text that follows it in reverse.
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

/** Creates the customers of a company, oldest first; no two companies share an ID or a time of creation. */
function createCustomers(company: SandboxKey["company"], count: number): CustomerRow[] {
  const offset = company === "sandbox" ? 0 : 1_000;
  return Array.from({ length: count }, (_, index) => {
    const time = firstDay + index * hour + offset;
    const random = Buffer.from(crypto.hash("sha256", `${company} ${index}`), "hex").subarray(0, 16);
    const id = uuidv7({ msecs: time, seq: 0, random });
    return {
      id,
      email: `buyer${index % 9 === 8 ? "!o+b" : ""}.${String(index).padStart(3, "0")}@${company}.example`,
      name: names[index % names.length] as string | null,
      status: index % 7 === 6 ? "BLOCKED" : "ACTIVE",
      notes: notes[index % notes.length] as string | null,
      creditLimit: creditLimits[index % creditLimits.length] as number | null,
      taxRateOverride: taxRates[index % taxRates.length] as number | null,
      emailVerified: index % 3 !== 0,
      // Every fourth customer was updated after its creation.
      version: parseCreatedAt(id) + (index % 4 === 3 ? 30 * hour : 0),
    };
  });
}

/** The customer of the contract's examples, with its ID and its entity tag. */
function readExampleCustomer(): CustomerRow {
  const { createdAt: _, updatedAt, ...fields }: Customer = contract.components.examples.customer.value.data;
  return { ...fields, version: Date.parse(updatedAt) };
}

/** The customers of each company, oldest first. */
export const sandboxCustomers = {
  sandbox: [readExampleCustomer(), ...createCustomers("sandbox", 259)],
  another: createCustomers("another", 40),
};

/** Fills an empty database. */
export async function fillSandbox(database: Database): Promise<void> {
  const { knex, prepare, write } = database;
  const customers = createCustomerTable(database);
  /** Builds the step that inserts a row, given by column names. */
  function buildInsert(table: string, row: Record<string, Value | boolean>): Step {
    return { statement: prepare(knex(table).insert(row).returning("*")), values: {} };
  }
  const steps: Step[] = [];
  for (const [index, company] of (["sandbox", "another"] as const).entries()) {
    const companyId = `00000000-0000-7000-8000-00000000000${index + 1}`;
    steps.push(buildInsert("companies", { id: companyId, slug: company, created_at: firstDay }));
    for (const customer of sandboxCustomers[company])
      steps.push(customers.buildInsert(companyId, customer, null));
    for (const [place, [name, key]] of Object.entries(sandboxKeys).entries()) {
      if (key.company !== company) continue;
      steps.push(
        buildInsert("api_keys", {
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
    buildInsert("idempotency_keys", {
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
