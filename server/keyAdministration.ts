/** Administration of API keys. Every change is recorded in the audit trail. */
import crypto from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Scope } from "../generated/messages.ts";
import { hashKey } from "./apiKeys.ts";
import { createCompanies } from "./companies.ts";
import type { Database } from "./database/database.ts";
import { named, namedColumns } from "./database/statement.ts";
import { CommandError } from "./errors.ts";
import { createOperatorTrail } from "./operatorTrail.ts";

/** A key to create. Times are milliseconds since 1970. */
export interface NewKey {
  /** The slug of its company, which is created if it is new. */
  company: string;
  scopes: readonly Scope[];
  name?: string;
  /** Null for a key that never expires. */
  expiresAt?: number | null;
  /** Its own rate limit; null for the server's. */
  requestsPerMinute?: number | null;
}

/** A key as shown to the operator. Times are milliseconds since 1970. */
export interface ListedKey {
  id: string;
  prefix: string;
  company: string;
  name: string;
  scopes: Scope[];
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
  requestsPerMinute: number | null;
  status: "active" | "expired" | "revoked" | "company blocked";
}

interface KeyRow extends Omit<ListedKey, "scopes" | "status"> {
  scopes: string;
  revokedAt: number | null;
  blockedAt: number | null;
}

/** Creates, lists, rotates and revokes keys. */
export function createKeyAdministration(database: Database) {
  const { knex, prepare, read, write } = database;
  const companies = createCompanies(database);
  const trail = createOperatorTrail(database);

  const columns = [
    "id",
    "name",
    "prefix",
    "sha256",
    "scopes",
    "created_at",
    "expires_at",
    "requests_per_minute",
  ];
  const noKeyExists = prepare(knex.raw("select 1 as free where not exists (select 1 from api_keys)"));
  const insert = prepare<{ id: string }>(
    knex("api_keys")
      .insert({
        ...namedColumns(columns),
        company_id: knex("companies").select("id").where("slug", named("slug")),
      })
      .returning("id"),
  );
  const listAll = prepare<KeyRow>(
    knex("api_keys")
      .join("companies", "companies.id", "api_keys.company_id")
      .select({
        id: "api_keys.id",
        prefix: "prefix",
        company: "slug",
        name: "name",
        scopes: "scopes",
        createdAt: "api_keys.created_at",
        expiresAt: "expires_at",
        lastUsedAt: "last_used_at",
        requestsPerMinute: "requests_per_minute",
        revokedAt: "revoked_at",
        blockedAt: "blocked_at",
      })
      .orderBy("api_keys.id"),
  );
  const queryLiveKey = () =>
    knex("api_keys")
      .where("id", named("id"))
      .whereNull("revoked_at")
      .where((key) => key.whereNull("expires_at").orWhere("expires_at", ">", named("now")));
  const expireById = prepare<{ id: string }>(
    queryLiveKey()
      .update(
        "expires_at",
        knex.raw("case when expires_at < ? then expires_at else ? end", [
          named("expiresAt"),
          named("expiresAt"),
        ]),
      )
      .returning("id"),
  );
  const revokeById = prepare<{ id: string }>(
    knex("api_keys")
      .update("revoked_at", named("now"))
      .where("id", named("id"))
      .whereNull("revoked_at")
      .returning("id"),
  );

  /** Generates a key, and the step that inserts its row. */
  function generateKey({ company, scopes, name = "", expiresAt = null, requestsPerMinute = null }: NewKey) {
    const key = `dk_${crypto.randomBytes(32).toString("base64url")}`;
    const id = uuidv7();
    const values = {
      id,
      name,
      prefix: key.slice(0, 12),
      sha256: hashKey(key),
      scopes: scopes.join(","),
      created_at: Date.now(),
      expires_at: expiresAt,
      requests_per_minute: requestsPerMinute,
      slug: company,
    };
    return { key, id, step: { statement: insert, values } };
  }

  return {
    /**
     * Creates a key, and its company if it is new.
     * @returns the key itself, which is not stored
     * @throws {CommandError} when another company's slug differs from this one only in case
     */
    async create(newKey: NewKey): Promise<string> {
      const { key, id, step } = generateKey(newKey);
      await companies.requireDistinct(newKey.company);
      const result = await write([
        companies.buildUpsert(newKey.company),
        step,
        trail.buildEntry(newKey.company, "create key", id),
      ]);
      if ("failedStep" in result)
        throw new CommandError(
          `Another command has just created a company whose slug differs from ${newKey.company} only in case`,
        );
      return key;
    },

    /**
     * Creates the first key of a database, for a new company.
     * @returns the key, or undefined if a key or this company already exists
     */
    async createFirst(newKey: NewKey): Promise<string | undefined> {
      const { key, id, step } = generateKey(newKey);
      const result = await write([
        { statement: noKeyExists, values: {} },
        companies.buildInsert(newKey.company),
        step,
        trail.buildEntry(newKey.company, "create key", id),
      ]);
      return "rows" in result ? key : undefined;
    },

    /** Lists all keys, oldest first. */
    async list(): Promise<ListedKey[]> {
      const now = Date.now();
      return (await read(listAll, {})).map(({ revokedAt, blockedAt, scopes, ...key }) => ({
        ...key,
        scopes: scopes.split(",") as Scope[],
        status: getStatus({ ...key, revokedAt, blockedAt }, now),
      }));
    },

    /**
     * Replaces a key with a new one that has the same company, scopes, name, limit and lifetime.
     * @param overlapInMilliseconds how long the old key keeps working
     * @returns the new key, which is not stored
     * @throws {CommandError} when the old key is not live
     */
    async rotate(old: ListedKey, overlapInMilliseconds: number): Promise<string> {
      const now = Date.now();
      const expiresAt = old.expiresAt === null ? null : now + old.expiresAt - old.createdAt;
      const { key, id, step } = generateKey({ ...old, expiresAt });
      const expiration = { id: old.id, now, expiresAt: now + overlapInMilliseconds };
      const result = await write([
        { statement: expireById, values: expiration },
        step,
        trail.buildEntry(old.company, "rotate key", old.id),
        trail.buildEntry(old.company, "create key", id),
      ]);
      if ("failedStep" in result) throw new CommandError(`${old.prefix} is ${old.status}; create a new key`);
      return key;
    },

    /** Revokes a key: every process rejects it from its next use on. Repeating this changes nothing. */
    async revoke({ id, company }: Pick<ListedKey, "id" | "company">): Promise<void> {
      await write([
        { statement: revokeById, values: { id, now: Date.now() } },
        trail.buildEntry(company, "revoke key", id),
      ]);
    },
  };
}

function getStatus(
  key: Pick<KeyRow, "revokedAt" | "expiresAt" | "blockedAt">,
  now: number,
): ListedKey["status"] {
  if (key.revokedAt !== null) return "revoked";
  if (key.expiresAt !== null && key.expiresAt <= now) return "expired";
  return key.blockedAt === null ? "active" : "company blocked";
}
