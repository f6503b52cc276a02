/** Three companies that know each other's ids, cursors, emails and idempotency keys: nothing of it helps. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { basePath, type Operation, operations } from "../../server/contract.ts";
import { addFigure } from "../support/figures.ts";
import type { Partner } from "../support/partner.ts";
import { requestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { Caller } from "./caller.ts";

/** A company, the ids of its customers, newest first, and the text that is in all of them. */
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
  // In turn, so that the positions of all companies lie between those of the others.
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

let answers = 0;
let comparisons = 0;
afterAll(() => {
  addFigure("isolation of three companies", "answers searched for what is others'", answers, "0 leaks");
  addFigure("isolation of three companies", "foreign and unknown, compared", comparisons, "0 differ");
});

/** The bytes of the answer that one company gets, but for its date; nothing of another company is in it. */
async function ask(
  asking: Company,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const all = {
    "X-Request-Id": "same",
    Authorization: `Bearer ${asking.key}`,
    Connection: "keep-alive",
    ...(body !== undefined && { "Content-Type": "application/json", "Content-Length": String(body.length) }),
    ...headers,
  };
  const bytes = await caller.exchange(requestBytes(`${method} ${basePath}${path}`, all, body));
  const text = bytes.toString("utf8");
  for (const { marker, ids, key } of companies.filter((company) => company !== asking))
    for (const secret of [marker, ...ids, key]) expect(text).not.toContain(secret);
  answers += 1;
  return text.replace(/^Date: .*$/m, "");
}

/** Every company beside every other. */
const pairs = () =>
  companies.flatMap((ours) =>
    companies.filter((other) => other !== ours).map((theirs) => [ours, theirs] as const),
  );

/** An id that nobody has, next to one that somebody has. */
const besides = (id: string) =>
  `${id.slice(0, -12)}${id.slice(-12).replace(/./g, (digit) => (digit === "0" ? "1" : "0"))}`;

const entityTagHeaders: Record<string, string>[] = [
  {},
  { "If-Match": "*" },
  { "If-Match": '"x"' },
  { "If-None-Match": "*" },
  { "If-None-Match": '"x"' },
];

/** What is sent to an operation on one customer: good, empty, and wrong in each way that has an answer of its own. */
function bodiesOf(operation: Operation): (string | undefined)[] {
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
  it("answers a foreign id as an unknown one, byte for byte, whatever else is in the request", async () => {
    for (const [ours, theirs] of pairs())
      for (const id of theirs.ids.slice(0, 4))
        for (const body of bodiesOf(operation))
          for (const headers of entityTagHeaders)
            for (const method of operation.method === "GET" ? ["GET", "HEAD"] : [operation.method])
              for (const query of ["", "?a=1"]) {
                const askFor = (name: string) =>
                  ask(ours, method, `/customers/${name}${query}`, body, headers);
                const foreign = await askFor(id);
                expect(foreign).toBe(await askFor(besides(id)));
                expect(foreign).toMatch(/^HTTP\/1\.1 4(04|00) /);
                comparisons += 1;
              }
  });

  it("answers an id that can be none as an unknown one", async () => {
    for (const [ours, theirs] of pairs())
      for (const id of [
        theirs.ids[0]?.toUpperCase(),
        `${theirs.ids[0]}0`,
        theirs.ids[0]?.slice(1),
        "x",
        "%00",
        "1",
      ])
        for (const body of bodiesOf(operation)) {
          const unknown = await ask(
            ours,
            operation.method,
            `/customers/${besides(theirs.ids[0] ?? "")}`,
            body,
          );
          expect(await ask(ours, operation.method, `/customers/${id}`, body)).toBe(unknown);
          comparisons += 1;
        }
  });

  it("answers its own id with the customer", async () => {
    for (const company of companies)
      for (const id of company.ids) {
        const body = operation.bodySchema && "{}";
        expect(await ask(company, operation.method, `/customers/${id}`, body)).toContain(company.marker);
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

  it("takes a foreign cursor for a position, as it does any other, and shows only its own from there on", async () => {
    for (const [ours, theirs] of pairs())
      for (const cursor of theirs.ids)
        for (const filter of filters) {
          const foreign = await ask(ours, "GET", `/customers?cursor=${cursor}${filter}`);
          // Nobody has an id between the two.
          const next = (BigInt(`0x${cursor.replaceAll("-", "")}`) + 1n).toString(16).padStart(32, "0");
          const unknown = next.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
          expect(foreign).toBe(await ask(ours, "GET", `/customers?cursor=${unknown}${filter}`));
          comparisons += 1;
        }
  });

  it("finds nothing by what is in a foreign customer, as by what is in none", async () => {
    for (const [ours, theirs] of pairs())
      for (const filter of filters) {
        const find = (text: string) =>
          ask(ours, "GET", `/customers?search=${text}${filter.replace(/&search=\w+/, "")}`);
        expect(await find(`${theirs.marker}-3@x`)).toBe(await find("nobody-at-all@x"));
        comparisons += 1;
      }
  });

  it("shows its own, all of them and in order", async () => {
    for (const { ids, send } of companies) {
      const { body } = await send("GET", "/customers?limit=100");
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual(ids);
    }
  });
});

describe("createCustomer", () => {
  /** An answer without what is new in every customer. */
  const withoutNew = (answer: string) =>
    answer
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "id")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "time")
      .replace(/^ETag: .*$/m, "");

  it("takes a foreign email and a foreign idempotency key as ones that nobody has", async () => {
    let created = 0;
    for (const [ours, theirs] of pairs()) {
      created += 1;
      // Somebody else has the email and the key; nobody has the second pair.
      const email = `both-${created}@x.example`;
      const free = `none-${created}@x.example`;
      const body = (of: string) => JSON.stringify({ email: of });
      await theirs.send("POST", "/customers", body(email), { "Idempotency-Key": email });
      const foreign = await ask(ours, "POST", "/customers", body(email), { "Idempotency-Key": email });
      const unknown = await ask(ours, "POST", "/customers", body(free), { "Idempotency-Key": free });
      expect(foreign).toMatch(/^HTTP\/1\.1 201 /);
      expect(foreign).not.toMatch(/^Idempotent-Replayed/im);
      expect(withoutNew(foreign)).toBe(withoutNew(unknown).replace(free, email));
      // Of the same length, so that the headers say the same.
      comparisons += 1;
    }
  });

  it("changes nothing of anybody else's", async () => {
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
