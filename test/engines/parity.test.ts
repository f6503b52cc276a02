/** One trace of requests, sent to both engines: what differs is a bug in one of them. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { createDatabase } from "../support/databases.ts";
import { requestBytes } from "../support/rawHttp.ts";
import { startServer, type TestServer } from "../support/server.ts";

/** A request of the trace: names such as `<id 3>` stand for what differs between the engines. */
interface Operation {
  method: string;
  /** Below `/api/v1`. */
  target: string;
  key: keyof typeof keyOptions | "unknown";
  headers?: Record<string, string>;
  body?: string | Buffer;
}

const keyOptions = {
  acme: { company: "acme" },
  colleague: { company: "acme" },
  other: { company: "other" },
  reader: { company: "acme", scopes: ["customers:read"] },
  writer: { company: "acme", scopes: ["customers:write"] },
  expired: { company: "acme", expiresAt: 1 },
} satisfies Record<string, Parameters<TestServer["createKey"]>[0]>;

/** A server on one engine, and what names stand for there. */
interface Side {
  server: TestServer;
  drop(): Promise<void>;
  keys: Record<string, string>;
  /** Ids by order of their first appearance: `<id 0>` is the first. */
  ids: string[];
  /** The entity tags and the times of each id: `<tag 0.1>` and `<time 0.1>` are those after its first change. */
  tags: string[][];
  times: string[][];
}

let sides: [Side, Side];
beforeAll(async () => {
  sides = [await startSide("sqlite"), await startSide("postgres")];
});
afterAll(async () => {
  for (const { server, drop } of sides ?? []) {
    await server.stop();
    await drop();
  }
});

async function startSide(engine: string): Promise<Side> {
  const { url, drop } = await createDatabase(engine);
  const server = await startServer({ databaseUrl: url, requestsPerMinute: 1_000_000 });
  const keys: Record<string, string> = { unknown: "dk_unknown" };
  for (const [name, options] of Object.entries(keyOptions)) keys[name] = await server.createKey(options);
  return { server, drop, keys, ids: [], tags: [], times: [] };
}

const anyId = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** The place of a value in a list, to which it is added where it is new. */
function placeIn(list: string[], value: string): number {
  return list.includes(value) ? list.indexOf(value) : list.push(value) - 1;
}

/** Sends an operation to one side, and returns its answer without what chance and the clock put into it. */
async function answerOf(
  side: Side,
  operation: Operation,
): Promise<Omit<ObservedResponse, "method" | "target">> {
  const { server, ids, tags, times } = side;
  const real = (text: string) =>
    text
      .replace(/<id (\d+)>/g, (name, id) => ids[id] ?? name)
      .replace(/<tag (\d+)\.(\d+)>/g, (name, id, change) => tags[id]?.[change] ?? name);
  const { method, target, key, body } = operation;
  const sent = requestBytes(
    `${method} /api/v1${real(target)}`,
    {
      Authorization: `Bearer ${side.keys[key]}`,
      ...(body !== undefined && {
        "Content-Type": "application/json",
        "Content-Length": String(Buffer.byteLength(body)),
      }),
      ...Object.fromEntries(
        Object.entries(operation.headers ?? {}).map(([name, value]) => [name, real(value)]),
      ),
    },
    body,
  );
  const answers = await server.exchange(sent);
  expect(answers).toHaveLength(1);
  const { status, headers, body: text } = answers[0] as ObservedResponse;

  const named = (part: string) => part.replace(anyId, (id) => `<id ${placeIn(ids, id)}>`);
  const maskedBody = named(text).replace(
    /"id":"<id (\d+)>"(.*?)"createdAt":"([^"]+)","updatedAt":"([^"]+)"/gs,
    (_all, id, between, createdAt, updatedAt) => {
      const seen = (times[id] ??= []);
      return `"id":"<id ${id}>"${between}"createdAt":"<time ${id}.${placeIn(seen, createdAt)}>","updatedAt":"<time ${id}.${placeIn(seen, updatedAt)}>"`;
    },
  );
  const id = Number(/<id (\d+)>/.exec(`${maskedBody} ${target}`)?.[1]);
  const masks: Record<string, (value: string) => string> = {
    date: () => "<date>",
    "x-request-id": (value) => (value === operation.headers?.["X-Request-Id"] ? value : "<request id>"),
    "ratelimit-remaining": () => "<count>",
    "ratelimit-reset": () => "<seconds>",
    etag: (value) => `<tag ${id}.${placeIn((tags[id] ??= []), value)}>`,
    location: named,
  };
  const maskedHeaders = Object.entries(headers).map(([name, value]) => [name, masks[name]?.(value) ?? value]);
  return { status, headers: Object.fromEntries(maskedHeaders), body: maskedBody };
}

/** Numbers from 0 to below 1, the same ones in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = createRandom(20_260_301);
const below = (count: number) => Math.floor(random() * count);
const oneOf = <Item>(items: readonly Item[]) => items[below(items.length)] as Item;
/** What engines, drivers and query languages read differently. */
const texts = [
  ..."ςσΣİıßẞǅŉΐﬁⅧ²½％ａЖжअกあ한Ⴀ𐐀😀",
  ...["ς", "Οδυσσεύς", "ΟΔΥΣΣΕΥΣ", "ὈΔΥΣΣΕΎΣ", "οδος αθηνα", "σς", "ΑΣ"],
  ...["İstanbul", "i̇stanbul", "istanbul", "ISTANBUL", "ısparta", "I", "i", "i\u0307"],
  ...["Straße", "STRASSE", "strasse", "STRAẞE", "ß", "ẞ", "ss"],
  ...["café", "cafe\u0301", "CAFÉ", "CAFE\u0301", "Å", "A\u030a", "\u212b", "\u2126", "Ω", "ω"],
  ...[
    "한국",
    "\u1112\u1161\u11ab\u1100\u116e\u11a8",
    "q\u0323\u0307",
    "q\u0307\u0323",
    "\u0301",
    "e\u0301\u0301",
  ],
  ...["😀", "👨‍👩‍👧‍👦", "🇩🇪", "𐐀𐐁", "𐐨𐐩", "\u{10ffff}", "\uffff", "\ufffd", "\ue000", "\ufeffx"],
  ...[
    "\u0001",
    "\u001f",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u00ad",
    "\u200b",
    "\u2028",
    "\u202e",
    "\t",
    "\n",
    "\r\n",
  ],
  ...[" ", "  ", " padded ", "pad", "ded", "a", "b", "é", "1", "12", "an", "ann", "anna", "nna", "ANNA"],
  ...[
    "%",
    "_",
    "\\",
    "\\%",
    "\\_",
    "%%",
    "_a",
    "a_",
    "a%",
    "%a%",
    "\\\\",
    "\\x41",
    "a\\",
    "*",
    "a*",
    "?",
    "[a]",
    "[^a]",
  ],
  ...[
    "'",
    "''",
    "'a'",
    '"',
    '""',
    "a'b",
    'a"b',
    "`",
    "´",
    "' or '1'='1",
    "'; drop table customers; --",
    "/*",
    "--",
  ],
  ...[
    "$1",
    "$$",
    "?1",
    ":name",
    ":companyId",
    ":",
    "??",
    "@x",
    "{}",
    "{a,b}",
    "{NULL}",
    "()",
    "E'\\n'",
    "\\N",
    "U&'\\0041'",
  ],
  ...[
    "null",
    "NULL",
    "true",
    "0",
    "-1",
    "NaN",
    "a AND b",
    "a OR b",
    "NOT a",
    "a NEAR b",
    "a:*",
    "a & b",
    "a | b",
    "!a",
    "<->",
  ],
  ...[".", ",", "-", "+", "=", "&", "#", ";", "|", "^", "~", "a-b", "a.b", "x@y", "@", "<b>", "&amp;"],
];

/** Texts at the bounds of what the contract takes, and beyond them. */
const longTexts = ["x", "ü", "😀", "e\u0301", "%", "İ"].flatMap((letter) =>
  [199, 200, 201, 2000, 2001].map((length) => [...letter.repeat(length)].slice(0, length).join("")),
);

const someText = () =>
  random() < 0.6 ? oneOf(texts) : `${oneOf(texts)}${oneOf(["", " ", "a"])}${oneOf(texts)}`;

/** Numbers as a partner might write them, which JavaScript would not; most are good for either field. */
const numbers = [
  ...[
    "0",
    "-0",
    "0.0",
    "0.1",
    "0.07",
    "0.3",
    "0.30",
    "0.29999999999999999",
    "0.29999999999999993",
    "1e-7",
    "5e-324",
  ],
  ...["1e-400", "2.2250738585072014e-308", "0.1e-5", "0.1234567890123456789", "1.7E-2", "0.17005", "null"],
];
const amounts = [
  ...["1", "1e0", "1E+2", "100000000", "1e8", "99999999.99999999", "100000000.00000000000001", "123456.789"],
  ...[
    "33333333.333333332",
    "1.0000000000000002",
    "2500.50",
    "17.005",
    "0.30000000000000004",
    "65536",
    "16777217",
  ],
];
const wrongNumbers = [
  ...[
    "-1",
    "-1e-9",
    "100000000.00000002",
    "100000001",
    "1e400",
    "9007199254740993",
    '"5"',
    "true",
    "[]",
    "{}",
    '""',
  ],
];
const someNumber = (good: readonly string[]) => () => oneOf(random() < 0.92 ? good : wrongNumbers);

const emailNames = [
  "a",
  "Anna",
  "orders",
  "o'neil",
  "100%",
  "a_b",
  "a.b",
  "x+y",
  "{x}",
  "~",
  "`",
  "$1",
  "a*b",
  "=1",
  "k",
];
const someEmail = () =>
  JSON.stringify(`${oneOf(emailNames)}${below(30)}@${oneOf(["x.example", "Mail.Example", "a-b.c.example"])}`);
const badEmails = [
  ...[
    '""',
    "null",
    "1",
    '"x"',
    '"x@y"',
    '" a@x.example"',
    '"a@x.example "',
    '"\\u212aelvin@x.example"',
    '"ä@x.example"',
  ],
  ...[
    '"a@x.example\\u0000"',
    `"${"a".repeat(243)}@x.example"`,
    `"${"a".repeat(244)}@x.example"`,
    '"a@@x.example"',
  ],
];

const textJson = (limit: number) => () =>
  random() < 0.08
    ? oneOf(["null", '""', "5", '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', "[]", "false"])
    : random() < 0.05
      ? JSON.stringify(oneOf(longTexts.filter((text) => [...text].length <= limit + 1)))
      : JSON.stringify(someText());

const fields: Record<string, () => string> = {
  name: textJson(200),
  notes: textJson(2000),
  creditLimit: someNumber([...numbers, ...amounts]),
  taxRateOverride: someNumber([...numbers, "0.30000000000000004"]),
  status: () => (random() < 0.95 ? oneOf(['"ACTIVE"', '"BLOCKED"']) : oneOf(["null", '"active"', '""', "1"])),
};

/** Members of a body; seldom one that the contract does not know, or one twice. */
function someFields(chance: number): string[] {
  const members = Object.entries(fields).flatMap(([name, make]) =>
    random() < chance ? [`${JSON.stringify(name)}:${make()}`] : [],
  );
  if (random() < 0.03)
    members.push(oneOf(['"id":"x"', '"Name":"x"', '"__proto__":{}', '"emailVerified":true', '"":1']));
  if (random() < 0.03) members.push('"name":"the last counts"');
  return members;
}

const badBodies = [
  ...[
    "",
    "{",
    "[]",
    "null",
    '"x"',
    "{}{}",
    "{'email':'a@x.example'}",
    '{"email":"a@x.example",}',
    "\ufeff{}",
  ],
  ...[
    Buffer.from([0x7b, 0xff, 0x7d]),
    Buffer.from('{"email":"\xe9@x.example"}', "latin1"),
    `{"name":"${"x".repeat(65_530)}"}`,
    " ".repeat(65_537),
  ],
];

/** Ids that are none of the company's, in each way. */
const wrongIds = [
  ...[
    "x",
    "0",
    "%00",
    "%20",
    "null",
    "<id 0>x",
    "019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11",
    "%F0%9F%98%80",
    "'",
    "a%2Fb",
  ],
  ...[
    "019AB3F2-7C00-7D3A-9B52-3F6F1F0F6A11",
    "019ab3f2-7c00-4d3a-9b52-3f6f1f0f6a11",
    "%FF",
    "019ab3f27c007d3a9b523f6f1f0f6a11",
  ],
];

const limits = [
  ..."0 1 2 3 7 50 100 101 -1 -0 007 99999999999999999999".split(" "),
  ...["1e1", "5.0", "", "%205", "+5", "x"],
];

/** A term as it stands in a query: a text, or one to four characters out of one. */
function someTerm(): string {
  const characters = [...someText()];
  const start = below(characters.length);
  const term = (random() < 0.4 ? characters : characters.slice(start, start + 1 + below(4))).join("");
  return encodeURIComponent(
    oneOf([term, term, term.toUpperCase(), term.toLowerCase(), term.normalize("NFD")]),
  );
}

/** Filters of a list that the contract takes. */
const someFilters = () => [
  ...(random() < 0.35 ? [oneOf(["status=ACTIVE", "status=BLOCKED"])] : []),
  ...(random() < 0.6
    ? [`search=${random() < 0.05 ? encodeURIComponent(oneOf(longTexts)) : someTerm()}`]
    : []),
];

/** Pieces of a query that the contract refuses, or takes in a way of its own. */
const oddPieces = [
  ...limits.map((limit) => `limit=${limit}`),
  ...[
    "cursor=",
    "cursor",
    "cursor=x",
    "cursor=<id 0>x",
    "cursor=019AB3F2-7C00-7D3A-9B52-3F6F1F0F6A11",
    "cursor=%00",
  ],
  ...["cursor=00000000-0000-7000-8000-000000000000", "cursor=ffffffff-ffff-7fff-bfff-ffffffffffff"],
  ...[
    "status=",
    "status",
    "status=active",
    "status=ACTIVE%20",
    "search=",
    "search",
    "search=%00",
    "search=a%00",
    "search=%FF",
  ],
  ...[
    "search=a+b",
    "search=a%2Bb",
    "search=@:/?!$'()*,;[]",
    "search=%",
    "search=\xe9",
    "&",
    "page=1",
    "Limit=1",
    "%00=1",
    "__proto__=1",
  ],
];

it("answers 2,400 requests and more on PostgreSQL byte for byte as on SQLite", {
  timeout: 120_000,
}, async () => {
  const statuses = new Map<number, number>();
  let count = 0;

  /** Sends an operation to both sides, and compares; returns the answer that they agree on. */
  async function ask(operation: Operation) {
    count++;
    const [sqlite, postgres] = await Promise.all(sides.map((side) => answerOf(side, operation)));
    expect(postgres, `request ${count}: ${JSON.stringify(operation)}`).toEqual(sqlite);
    const answer = sqlite as Awaited<ReturnType<typeof answerOf>>;
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    return { ...answer, json: answer.body === "" ? undefined : JSON.parse(answer.body) };
  }

  const customers: string[] = [];
  const foreign: string[] = [];
  const keyed: Pick<Operation, "headers" | "body">[] = [];
  const requestId = () =>
    random() < 0.1 ? { "X-Request-Id": oneOf(["mine-1", "a b", "x".repeat(129)]) } : {};
  /** An id of acme's, seldom one that is not. */
  const someId = () => (random() < 0.85 ? oneOf(customers) : oneOf([...foreign, ...wrongIds]));
  /** An entity tag as of now or as of before, alone, in a list, or none. */
  function someTags(id: string): string {
    const place = Number(/\d+/.exec(id)?.[0]);
    const changes = sides[0].tags[place]?.length ?? 1;
    const [now, before] = [`<tag ${place}.${changes - 1}>`, `<tag ${place}.${below(changes)}>`];
    return oneOf([
      now,
      now,
      before,
      `W/${now}`,
      `"x", ${now}`,
      `${before},${now}`,
      "*",
      '"x"',
      "x",
      "",
      `${now} x`,
    ]);
  }

  async function create(): Promise<void> {
    const email = random() < 0.93 ? someEmail() : oneOf(badEmails);
    const members = [...(random() < 0.98 ? [`"email":${email}`] : []), ...someFields(0.4)];
    const body = random() < 0.95 ? `{${members.join(",")}}` : oneOf(badBodies);
    const repeats = keyed.length > 0 && random() < 0.15;
    const keyHeader: Record<string, string> =
      random() < 0.3
        ? {
            "Idempotency-Key": oneOf([
              "k1",
              "k 2",
              "'",
              "%",
              "\\",
              `k${below(60)}`,
              "",
              "\xe9",
              "x".repeat(256),
            ]),
          }
        : {};
    const request = repeats ? oneOf(keyed) : { headers: keyHeader, body };
    if (keyHeader["Idempotency-Key"] !== undefined && !repeats) keyed.push(request);
    const key = oneOf(["acme", "acme", "acme", "acme", "colleague", "writer", "other"] as const);
    const { status, json } = await ask({
      method: "POST",
      target: "/customers",
      key,
      ...request,
      headers: { ...request.headers, ...requestId() },
    });
    if (status === 201) (key === "other" ? foreign : customers).push(json.data.id);
  }

  async function update(): Promise<void> {
    const id = someId();
    const members = [...someFields(0.35), ...(random() < 0.03 ? [`"email":${someEmail()}`] : [])];
    await ask({
      method: "PATCH",
      target: `/customers/${id}${random() < 0.02 ? "?x=1" : ""}`,
      key: oneOf(["acme", "writer", "colleague"]),
      headers: { ...(random() < 0.4 && { "If-Match": someTags(id) }), ...requestId() },
      body: random() < 0.97 ? `{${members.join(",")}}` : oneOf(badBodies),
    });
  }

  async function get(): Promise<void> {
    const id = someId();
    await ask({
      method: oneOf(["GET", "GET", "GET", "HEAD"]),
      target: `/customers/${id}${random() < 0.02 ? "?limit=1" : ""}`,
      key: oneOf(["acme", "reader"]),
      headers: { ...(random() < 0.5 && { "If-None-Match": someTags(id) }), ...requestId() },
    });
  }

  async function list(): Promise<void> {
    const pieces = someFilters();
    if (random() < 0.5) pieces.push(`limit=${oneOf(limits)}`);
    if (random() < 0.3) pieces.push(`cursor=${oneOf([...customers, ...foreign])}`);
    if (random() < 0.2) pieces.push(oneOf(oddPieces));
    const query = (random() < 0.5 ? pieces : pieces.reverse()).join("&");
    await ask({
      method: "GET",
      target: `/customers${query && `?${query}`}`,
      key: oneOf(["acme", "reader", "other"]),
    });
  }

  /** A walk to its end, with pages of changing sizes, and with creations and updates meanwhile. */
  async function walk(): Promise<void> {
    const filters = someFilters();
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query = [...filters, `limit=${1 + below(60)}`, `cursor=${cursor}`].join("&");
      const { json } = await ask({ method: "GET", target: `/customers?${query}`, key: "acme" });
      cursor = json.pagination?.nextCursor ?? null;
      if (random() < 0.2) await oneOf([create, update])();
    }
  }

  async function refused(): Promise<void> {
    const id = oneOf(customers);
    const body = `{"email":${someEmail()}}`;
    await ask(
      oneOf<Operation>([
        { method: "GET", target: "/customers", key: oneOf(["unknown", "expired", "writer"]) },
        { method: "POST", target: "/customers", key: oneOf(["unknown", "expired", "reader"]), body },
        { method: "PATCH", target: `/customers/${id}`, key: "reader", body: "{}" },
        { method: oneOf(["DELETE", "PUT", "OPTIONS", "PATCH"]), target: "/customers", key: "acme" },
        { method: oneOf(["DELETE", "POST", "OPTIONS"]), target: `/customers/${id}`, key: "acme" },
        { method: "GET", target: oneOf(["/Customers", "/customers/", `/customers/${id}/x`]), key: "acme" },
        {
          method: "POST",
          target: "/customers",
          key: "acme",
          body,
          headers: { "Content-Type": oneOf(["text/plain", ""]) },
        },
      ]),
    );
  }

  for (let n = 0; n < 150; n++) await create();
  while (count < 2_400) {
    const step = random();
    if (step < 0.25) await create();
    else if (step < 0.5) await update();
    else if (step < 0.65) await get();
    else if (step < 0.9) await list();
    else if (step < 0.94) await walk();
    else await refused();
  }
  expect(count).toBeGreaterThanOrEqual(2_400);
  expect(customers.length).toBeGreaterThan(200);
  // The trace is worth something only where it comes to every kind of answer.
  expect([...statuses.keys()].sort()).toEqual([
    200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422,
  ]);
});
