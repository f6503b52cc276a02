/** Three companies that know each other's IDs, cursors, emails and idempotency keys: none of them gives access. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { basePath, type Operation, operations } from "../../server/contract.ts";
import { addFigure } from "../support/figures.ts";
import type { Partner } from "../support/partner.ts";
import { buildRequestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { Caller } from "./caller.ts";

/** A company, the IDs of its customers, newest first, and a text that all of them contain. */
interface Company extends Partner {
  marker: string;
  ids: string[];
}

let server: TestServer;
let caller: Caller;
let companies: Company[];
beforeAll(async () => {
  server = await startServer();
  caller = new Caller(server.port);
  companies = await Promise.all(
    ["alpha", "beta", "gamma"].map(async (company) => ({
      ...(await server.partner({ company })),
      marker: `marker-of-${company}`,
      ids: [],
    })),
  );
  // In rotation, so that the customers of the companies are interleaved.
  for (let number = 0; number < 12; number += 1) {
    for (const { marker, ids, send } of companies) {
      const customer = {
        email: `${marker}-${number}@x.example`,
        name: `${marker} shared ${number}`,
        notes: marker,
        status: number % 3 === 0 ? "BLOCKED" : "ACTIVE",
      };
      const sent = await send("POST", "/customers", customer, { "Idempotency-Key": `${marker}-${number}` });
      ids.unshift(sent.body.data.id);
    }
  }
});
afterAll(async () => {
  caller.close();
  await server.stop();
});

let responses = 0;
let comparisons = 0;
afterAll(() => {
  addFigure("isolation of three companies", "responses searched for data of others", responses, "0 leaks");
  addFigure(
    "isolation of three companies",
    "responses to another company's value and an unknown one, compared",
    comparisons,
    "0 differ",
  );
});

/** Sends a request of a company; returns the response without its date, which must hold nothing of other companies. */
async function send(
  sender: Company,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const all = {
    "X-Request-Id": "same",
    Authorization: `Bearer ${sender.key}`,
    Connection: "keep-alive",
    ...(body !== undefined && { "Content-Type": "application/json", "Content-Length": String(body.length) }),
    ...headers,
  };
  const bytes = await caller.exchange(buildRequestBytes(`${method} ${basePath}${path}`, all, body));
  const text = bytes.toString("utf8");
  for (const { marker, ids, key } of companies.filter((company) => company !== sender))
    for (const secret of [marker, ...ids, key]) expect(text).not.toContain(secret);
  responses += 1;
  return text.replace(/^Date: .*$/m, "");
}

/** Returns every pair of two companies. */
const pairs = () =>
  companies.flatMap((ours) =>
    companies.filter((other) => other !== ours).map((theirs) => [ours, theirs] as const),
  );

/** Returns an ID that no customer has, created at the same moment as this one. */
const unknownLike = (id: string) =>
  `${id.slice(0, -12)}${id.slice(-12).replace(/./g, (digit) => (digit === "0" ? "1" : "0"))}`;

const entityTagHeaders: Record<string, string>[] = [
  {},
  { "If-Match": "*" },
  { "If-Match": '"x"' },
  { "If-None-Match": "*" },
  { "If-None-Match": '"x"' },
];

/** Returns bodies for an operation on one customer: valid, empty, and one for each kind of error response. */
function findBodies(operation: Operation): (string | undefined)[] {
  if (!operation.bodySchema) return [undefined];
  return [
    '{"notes":"taken over"}',
    '{"status":"BLOCKED"}',
    "{}",
    '{"name":""}',
    '{"email":"a@x.example"}',
    "{",
  ];
}

describe.each(operations.filter(({ template }) => template.includes("{id}")))("$operationId", (operation) => {
  it(`${operation.operationId}: another company's ID → same bytes as an unknown one`, async () => {
    for (const [ours, theirs] of pairs())
      for (const id of theirs.ids.slice(0, 4))
        for (const body of findBodies(operation))
          for (const headers of entityTagHeaders)
            for (const method of operation.method === "GET" ? ["GET", "HEAD"] : [operation.method])
              for (const query of ["", "?a=1"]) {
                const sendFor = (name: string) =>
                  send(ours, method, `/customers/${name}${query}`, body, headers);
                const foreign = await sendFor(id);
                expect(foreign).toBe(await sendFor(unknownLike(id)));
                expect(foreign).toMatch(/^HTTP\/1\.1 4(04|00) /);
                comparisons += 1;
              }
  });

  it(`${operation.operationId}: malformed ID → same bytes as an unknown one`, async () => {
    for (const [ours, theirs] of pairs())
      for (const id of [
        theirs.ids[0]?.toUpperCase(),
        `${theirs.ids[0]}0`,
        theirs.ids[0]?.slice(1),
        "x",
        "%00",
        "1",
      ])
        for (const body of findBodies(operation)) {
          const unknown = await send(
            ours,
            operation.method,
            `/customers/${unknownLike(theirs.ids[0] ?? "")}`,
            body,
          );
          expect(await send(ours, operation.method, `/customers/${id}`, body)).toBe(unknown);
          comparisons += 1;
        }
  });

  it(`${operation.operationId}: own ID → own customer`, async () => {
    for (const company of companies)
      for (const id of company.ids) {
        const body = operation.bodySchema && "{}";
        expect(await send(company, operation.method, `/customers/${id}`, body)).toContain(company.marker);
      }
  });
});

describe("listCustomers", () => {
  const filters = [
    "",
    "&status=ACTIVE",
    "&status=BLOCKED",
    "&search=shared",
    "&search=SHARED&status=ACTIVE",
    "&limit=1",
  ];

  it("listCustomers: another company's cursor → same bytes as an unknown one", async () => {
    for (const [ours, theirs] of pairs())
      for (const cursor of theirs.ids)
        for (const filter of filters) {
          const foreign = await send(ours, "GET", `/customers?cursor=${cursor}${filter}`);
          // No customer has an ID between the two.
          const next = (BigInt(`0x${cursor.replaceAll("-", "")}`) + 1n).toString(16).padStart(32, "0");
          const unknown = next.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
          expect(foreign).toBe(await send(ours, "GET", `/customers?cursor=${unknown}${filter}`));
          comparisons += 1;
        }
  });

  it("listCustomers: search for another company's customer → same as without a match", async () => {
    for (const [ours, theirs] of pairs())
      for (const filter of filters) {
        const find = (text: string) =>
          send(ours, "GET", `/customers?search=${text}${filter.replace(/&search=\w+/, "")}`);
        expect(await find(`${theirs.marker}-3@x`)).toBe(await find("nobody-at-all@x"));
        comparisons += 1;
      }
  });

  it("listCustomers: own customers → complete and in order", async () => {
    for (const { ids, send } of companies) {
      const { body } = await send("GET", "/customers?limit=100");
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual(ids);
    }
  });
});

describe("createCustomer", () => {
  /** Removes what differs between any two customers. */
  const removeNew = (response: string) =>
    response
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "id")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "time")
      .replace(/^ETag: .*$/m, "");

  it("createCustomer: another company's email and key → same as unused ones", async () => {
    let created = 0;
    for (const [ours, theirs] of pairs()) {
      created += 1;
      // Another company uses the first email and key, none the second pair. Same length, so that the headers are equal.
      const email = `both-${created}@x.example`;
      const free = `none-${created}@x.example`;
      const body = (of: string) => JSON.stringify({ email: of });
      await theirs.send("POST", "/customers", body(email), { "Idempotency-Key": email });
      const foreign = await send(ours, "POST", "/customers", body(email), { "Idempotency-Key": email });
      const unknown = await send(ours, "POST", "/customers", body(free), { "Idempotency-Key": free });
      expect(foreign).toMatch(/^HTTP\/1\.1 201 /);
      expect(foreign).not.toMatch(/^Idempotent-Replayed/im);
      expect(removeNew(foreign)).toBe(removeNew(unknown).replace(free, email));
      comparisons += 1;
    }
  });

  it("createCustomer: another company's email and key → nothing of others changes", async () => {
    for (const { marker, ids, send } of companies) {
      for (const [index, id] of ids.entries()) {
        const number = ids.length - 1 - index;
        const { body } = await send("GET", `/customers/${id}`);
        expect(body.data).toMatchObject({
          email: `${marker}-${number}@x.example`,
          name: `${marker} shared ${number}`,
          notes: marker,
          status: number % 3 === 0 ? "BLOCKED" : "ACTIVE",
        });
        expect(body.data.updatedAt).toBe(body.data.createdAt);
      }
    }
  });
});
