import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { operations } from "../../server/contract.ts";
import { compileBodyCheck } from "../../server/violations.ts";
import type { ParsedResponse, Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shorten } from "../support/shorten.ts";

let server: TestServer;
let partner: Partner;
/** The path of a customer to update. */
let path: string;
beforeAll(async () => {
  server = await startServer();
  partner = await server.partner();
  const { headers } = await partner.send("POST", "/customers", { email: "update@me.example" });
  path = (headers.get("Location") ?? "").replace("/api/v1", "");
});
afterAll(() => server.stop());

let emails = 0;
const freeEmail = () => `free${++emails}@x.example`;

/** The operations that accept fields; each sends the JSON text of additional members. */
const writes = {
  createCustomer: (members: string) =>
    partner.send("POST", "/customers", `{"email":"${freeEmail()}"${members && `,${members}`}}`),
  updateCustomer: (members: string) => partner.send("PATCH", path, `{${members}}`),
};

const messages = {
  name: "Name must be between 1 and 200 characters.",
  notes: "Notes must be at most 2000 characters.",
  creditLimit: "Credit limit must be between 0 and 100000000.",
  taxRateOverride: "Tax rate override must be between 0 and 0.3.",
  status: "Invalid status.",
};
type Field = keyof typeof messages;

/** Adds the shortened JSON, for the title of a test. */
const titled = ([field, json]: [Field, string]) => [field, shorten(json), json] as const;

/** A JSON string of repeated letters. */
const repeated = (letter: string, count: number) => JSON.stringify(letter.repeat(count));

const accepted: [Field, string][] = [
  ["name", "null"],
  ["name", '"a"'],
  ["name", repeated("x", 200)],
  ["name", repeated("ü", 200)],
  ["name", repeated("😀", 200)],
  ["name", '" "'],
  ["name", '" not trimmed\\t\\n"'],
  ["name", '"\\u0001\\u007f\\u0085"'],
  ["name", '"e\\u0301 \\u212b \\ufeff \\u202e \\uffff \\ufffd"'],
  ["name", '"\\ud83d\\ude00"'],
  ["name", `"' or 1=1; -- <b>&amp;</b> \\\\ \\" \\/"`],
  ["notes", "null"],
  ["notes", '""'],
  ["notes", repeated("x", 2000)],
  ["notes", repeated("😀", 2000)],
  ["notes", '"one\\r\\ntwo\\u2028three"'],
  ["creditLimit", "null"],
  ["creditLimit", "0"],
  ["creditLimit", "0.1"],
  ["creditLimit", "1.13"],
  ["creditLimit", "4.35"],
  ["creditLimit", "1e-7"],
  ["creditLimit", "5e-324"],
  ["creditLimit", "12345678.123456789"],
  ["creditLimit", "99999999.99999999"],
  ["creditLimit", "100000000"],
  ["creditLimit", "1E8"],
  ["taxRateOverride", "null"],
  ["taxRateOverride", "0"],
  ["taxRateOverride", "0.07"],
  ["taxRateOverride", "0.1"],
  ["taxRateOverride", "1e-7"],
  ["taxRateOverride", "0.08875"],
  ["taxRateOverride", "0.29999999999999993"],
  ["taxRateOverride", "0.3"],
  ["status", '"ACTIVE"'],
  ["status", '"BLOCKED"'],
];

const wrongText = ["5", "true", "[]", "{}", '["a"]', '"a\\u0000b"', '"\\u0000"', '"\\ud800"', '"a\\udc00"'];
const wrongNumber = ["-1", "-1e-7", "1e400", '"0.1"', '""', "true", "false", "[]", "[0.1]", "{}"];
const rejected: [Field, string][] = [
  ...[
    ...wrongText,
    '""',
    repeated("x", 201),
    repeated("ü", 201),
    repeated("😀", 201),
    '"\\udc00\\ud800"',
  ].map((json): [Field, string] => ["name", json]),
  ...[...wrongText, repeated("x", 2001), repeated("😀", 2001)].map((json): [Field, string] => [
    "notes",
    json,
  ]),
  ...[...wrongNumber, "100000001", "100000000.01"].map((json): [Field, string] => ["creditLimit", json]),
  ...[...wrongNumber, "0.31", "0.30000000000000004"].map((json): [Field, string] => [
    "taxRateOverride",
    json,
  ]),
  ...["null", '""', '"active"', '"DELETED"', '"ACTIVE "', "1", "true", "{}", '["ACTIVE"]'].map(
    (json): [Field, string] => ["status", json],
  ),
];

const unknown = [
  "id",
  "password",
  "emailVerified",
  "createdAt",
  "companyId",
  "Name",
  "name ",
  "credit_limit",
  "",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
];

describe.each(Object.entries(writes))("%s", (operationId, write) => {
  const errorIn = ({ status, body }: ParsedResponse) => [status, body.error, body.field];
  const readState = async () => (await partner.send("GET", "/customers?limit=100")).text;

  it.each(accepted.map(titled))(`${operationId}: %s %s → returned exactly`, async (field, _title, json) => {
    const { status, body } = await write(`"${field}":${json}`);
    expect(status).toBeLessThan(300);
    expect(body.data[field]).toBe(JSON.parse(json));
    const got = await partner.send("GET", `/customers/${body.data.id}`);
    expect(got.body).toEqual(body);
  });

  it.each(rejected.map(titled))(
    `${operationId}: %s %s → 400, nothing written`,
    async (field, _title, json) => {
      const before = await readState();
      expect(errorIn(await write(`"${field}":${json}`))).toEqual([400, messages[field], field]);
      expect(await readState()).toBe(before);
    },
  );

  it.each(unknown)(`${operationId}: unknown field '%s' → 400`, async (field) => {
    const before = await readState();
    for (const json of ["null", '"x"', '{"status":"BLOCKED"}'])
      expect(errorIn(await write(`${JSON.stringify(field)}:${json}`))).toEqual([
        400,
        "Unknown field.",
        field,
      ]);
    expect(await readState()).toBe(before);
  });

  it(`${operationId}: several invalid fields → 400 for the first, unknown fields last`, async () => {
    const wrong = [...Object.keys(messages).map((field) => `"${field}":[]`), '"another":1'];
    for (const [index, member] of wrong.entries()) {
      const rest = wrong.slice(index);
      const field = JSON.parse(`{${member}}`);
      for (const members of [rest, rest.toReversed()])
        expect((await write(members.join())).body.field).toBe(Object.keys(field)[0]);
    }
  });

  it(`${operationId}: many unknown fields → 400 for the first, after known ones`, async () => {
    const many = Array.from({ length: 3_000 }, (_, index) => `"unknown${index}":1`).join();
    expect(errorIn(await write(many))).toEqual([400, "Unknown field.", "unknown0"]);
    expect(errorIn(await write(`"__proto__":1,${many}`))).toEqual([400, "Unknown field.", "__proto__"]);
    expect(errorIn(await write(`${many},"notes":1`))).toEqual([400, messages.notes, "notes"]);
  });

  it(`${operationId}: duplicate names → the last one counts`, async () => {
    const good = await write('"name":5,"name":"first","name":"last"');
    expect([good.status < 300, good.body.data.name]).toEqual([true, "last"]);
    expect(errorIn(await write('"name":"good","n\\u0061me":5'))).toEqual([400, messages.name, "name"]);
  });

  it(`${operationId}: members of __proto__ → 400 Unknown field.`, async () => {
    const { body } = await write('"__proto__":{"name":"polluted"}');
    expect(body).toEqual({ error: "Unknown field.", field: "__proto__" });
    expect(({} as { name?: string }).name).toBeUndefined();
  });
});

describe("row of an import", () => {
  const findError = compileBodyCheck(
    operations.find(({ operationId }) => operationId === "createCustomer") as (typeof operations)[0],
  );
  const checkRow = (members: string) => {
    const error = findError(JSON.parse(`{"email":"row@x.example"${members && `,${members}`}}`));
    return error && [error.status, error.message, error.details.field];
  };

  it("row of an import: bodies that createCustomer accepts → no error", () => {
    for (const [field, json] of accepted) expect(checkRow(`"${field}":${json}`)).toBeUndefined();
    expect(checkRow("")).toBeUndefined();
  });

  it("row of an import: bodies that createCustomer rejects → the same errors", () => {
    for (const [field, json] of rejected)
      expect(checkRow(`"${field}":${json}`)).toEqual([400, messages[field], field]);
    for (const field of unknown) expect(checkRow(`"${field}":1`)).toEqual([400, "Unknown field.", field]);
    for (const [json, message] of [
      ["null", "Email is required."],
      ['""', "Email is required."],
      ["5", "Invalid email address."],
      ['"no"', "Invalid email address."],
    ])
      expect(checkRow(`"status":"x","name":"","email":${json}`)).toEqual([400, message, "email"]);
    expect(findError({})?.message).toBe("Email is required.");
    expect(findError({ other: 1, status: "x", email: "a@x.example" })?.details.field).toBe("status");
  });
});
