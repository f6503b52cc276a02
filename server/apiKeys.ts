/** API keys: made, listed and revoked by the operator, checked on every request. */
import crypto from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Scope } from "../generated/messages.ts";
import type { Database } from "./database/database.ts";
import { named } from "./database/statement.ts";

/** A key that a request showed and that is live. */
export interface ApiKey {
  id: string;
  companyId: string;
  scopes: readonly string[];
}

interface KeyRow {
  id: string;
  company_id: string;
  scopes: string;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
}

interface ListedKeyRow extends KeyRow {
  slug: string;
  name: string;
  prefix: string;
  created_at: number;
}

/** A key as the operator sees it; times are milliseconds since 1970. */
export interface ListedKey {
  id: string;
  prefix: string;
  company: string;
  name: string;
  scopes: string[];
  createdAt: number;
  lastUsedAt: number | null;
  status: "active" | "expired" | "revoked";
}

/** The time of last use is kept to the minute: not every request shall cost a write. */
const lastUseGranularityInMilliseconds = 60_000;

/** What an operator, and a request, can do with keys. */
export function createApiKeys(database: Database) {
  const { knex, prepare, read, write } = database;
  // The database judges, so that a key that has ended gives no row, as one that never was: what is made of
  // a row takes microseconds, which would tell the two apart.
  const findLiveBySha256 = prepare<Pick<KeyRow, "id" | "company_id" | "scopes" | "last_used_at">>(
    knex("api_keys")
      .select("id", "company_id", "scopes", "last_used_at")
      .where("sha256", named("sha256"))
      .whereNull("revoked_at")
      .where((key) => key.whereNull("expires_at").orWhere("expires_at", ">", named("now"))),
  );
  const setLastUse = prepare(
    knex("api_keys")
      .update("last_used_at", named("now"))
      .where("id", named("id"))
      .whereRaw("coalesce(last_used_at, 0) < ?", [named("lastUseBefore")])
      .returning("id"),
  );
  const noKeyExists = prepare(knex.raw("select 1 as free where not exists (select 1 from api_keys)"));
  const insertNewCompany = prepare<{ id: string }>(
    knex("companies")
      .insert({ id: named("id"), slug: named("slug"), created_at: named("now") })
      .onConflict("slug")
      .ignore()
      .returning("id"),
  );
  const insertCompany = prepare<{ id: string }>(
    knex("companies")
      .insert({ id: named("id"), slug: named("slug"), created_at: named("now") })
      .onConflict("slug")
      .merge(["slug"])
      .returning("id"),
  );
  const insertKey = prepare<{ id: string }>(
    knex("api_keys")
      .insert({
        id: named("id"),
        company_id: knex("companies").select("id").where("slug", named("slug")),
        name: named("name"),
        prefix: named("prefix"),
        sha256: named("sha256"),
        scopes: named("scopes"),
        created_at: named("now"),
        expires_at: named("expiresAt"),
      })
      .returning("id"),
  );
  const listAll = prepare<ListedKeyRow>(
    knex("api_keys")
      .join("companies", "companies.id", "api_keys.company_id")
      .select("api_keys.*", "companies.slug")
      .orderBy("api_keys.id"),
  );
  const revokeById = prepare(
    knex("api_keys")
      .update("revoked_at", knex.raw("coalesce(revoked_at, ?)", [named("now")]))
      .where("id", named("id"))
      .returning("id"),
  );

  return {
    /** The live key that an Authorization header shows, or undefined. */
    async find(authorization: string | undefined): Promise<ApiKey | undefined> {
      const token = parseBearerToken(authorization);
      if (token === undefined) return undefined;
      const now = Date.now();
      const [row] = await read(findLiveBySha256, { sha256: sha256(token), now });
      if (!row) return undefined;
      if (now - (row.last_used_at ?? 0) > lastUseGranularityInMilliseconds) {
        // Nobody waits for it, and a database that cannot write has not made the key a wrong one.
        const lastUseBefore = now - lastUseGranularityInMilliseconds;
        write([{ statement: setLastUse, values: { id: row.id, now, lastUseBefore } }]).catch(() => {});
      }
      return { id: row.id, companyId: row.company_id, scopes: row.scopes.split(",") };
    },

    /**
     * Makes a key, and its company when it is new.
     * @param expiresAt milliseconds since 1970, or null for a key that never expires
     * @returns the key itself, which is stored nowhere
     */
    async create(company: string, scopes: Scope[], name: string, expiresAt: number | null): Promise<string> {
      const { key, values } = newKey(company, scopes, name, expiresAt);
      await write([
        { statement: insertCompany, values: { ...values, id: uuidv7() } },
        { statement: insertKey, values },
      ]);
      return key;
    },

    /**
     * Makes the first key of all, of a new company.
     * @returns the key, or undefined where there is a key or this company already
     */
    async createFirst(company: string, scopes: Scope[], name: string): Promise<string | undefined> {
      const { key, values } = newKey(company, scopes, name, null);
      const result = await write([
        { statement: noKeyExists, values: {} },
        { statement: insertNewCompany, values: { ...values, id: uuidv7() } },
        { statement: insertKey, values },
      ]);
      return "rows" in result ? key : undefined;
    },

    /** All keys, the oldest first. */
    async list(): Promise<ListedKey[]> {
      const rows = await read(listAll, {});
      const now = Date.now();
      return rows.map((row) => ({
        id: row.id,
        prefix: row.prefix,
        company: row.slug,
        name: row.name,
        scopes: row.scopes.split(","),
        createdAt: row.created_at,
        lastUsedAt: row.last_used_at,
        status: statusOf(row, now),
      }));
    },

    /** Ends a key: its next use is refused, on every instance. Ending it twice changes nothing. */
    async revoke(id: string): Promise<void> {
      await write([{ statement: revokeById, values: { id, now: Date.now() } }]);
    },
  };
}

export type ApiKeys = ReturnType<typeof createApiKeys>;

/** A random key, and the values of the row that stands for it. */
function newKey(company: string, scopes: Scope[], name: string, expiresAt: number | null) {
  const key = `dk_${crypto.randomBytes(32).toString("base64url")}`;
  const values = {
    id: uuidv7(),
    slug: company,
    name,
    prefix: key.slice(0, 12),
    sha256: sha256(key),
    scopes: scopes.join(","),
    now: Date.now(),
    expiresAt,
  };
  return { key, values };
}

function statusOf(row: KeyRow, now: number): ListedKey["status"] {
  if (row.revoked_at !== null) return "revoked";
  return row.expires_at !== null && row.expires_at <= now ? "expired" : "active";
}

function sha256(text: string): string {
  return crypto.hash("sha256", text);
}

/** The one token of an Authorization header. RFC 9110: the scheme in any case, then spaces, then the token. */
export function parseBearerToken(authorization = ""): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}
