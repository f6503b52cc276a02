import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { Partner } from "../support/partner.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

let emails = 0;
/** A partner with one customer for each name. */
async function createPartnerWith(...names: (string | null)[]): Promise<Partner> {
  const partner = await server.partner();
  for (const name of names)
    await partner.send("POST", "/customers", { email: `n${++emails}@x.example`, name });
  return partner;
}

/** Returns the names of the customers that a search finds; `raw` is added to the query without encoding. */
async function findNames(partner: Partner, raw: string): Promise<(string | null)[]> {
  const { status, body } = await partner.send("GET", `/customers?search=${raw}`);
  expect(status).toBe(200);
  return body.data.map(({ name }: { name: string | null }) => name).reverse();
}

const encoded = encodeURIComponent;

it("search: start, middle or end of email or name → found", async () => {
  const partner = await server.partner();
  await partner.send("POST", "/customers", { email: "orders@bakery.example", name: "Corner Shop" });
  await partner.send("POST", "/customers", { email: "shop@other.example" });
  for (const term of [
    "o",
    "or",
    "orders@",
    "bakery",
    ".example",
    "Corner",
    "ner sh",
    "orders@bakery.example",
  ])
    expect(await findNames(partner, encoded(term))).toContain("Corner Shop");
  expect(await findNames(partner, "shop")).toEqual(["Corner Shop", null]);
  expect(await findNames(partner, "bakeries")).toEqual([]);
  expect(await findNames(partner, "null")).toEqual([]);
});

it("search: name changed → found by the new name only", async () => {
  const partner = await createPartnerWith("Before");
  const { body } = await partner.send("GET", "/customers");
  const path = `/customers/${body.data[0].id}`;
  await partner.send("PATCH", path, { name: "ÄFTER" });
  expect(await findNames(partner, encoded("äfter"))).toEqual(["ÄFTER"]);
  expect(await findNames(partner, "before")).toEqual([]);
  await partner.send("PATCH", path, { name: null });
  expect(await findNames(partner, encoded("äfter"))).toEqual([]);
});

it("search: with status, limit and cursor → all of them apply", async () => {
  const partner = await createPartnerWith("Match 1", "Match 2", "Other", "Match 3", "Match 4");
  const all = (await partner.send("GET", "/customers?search=match")).body.data;
  await partner.send("PATCH", `/customers/${all[1].id}`, { status: "BLOCKED" });
  const first = (await partner.send("GET", "/customers?search=match&status=ACTIVE&limit=2")).body;
  expect(first.data.map(({ name }: { name: string }) => name)).toEqual(["Match 4", "Match 2"]);
  const { nextCursor } = first.pagination;
  const last = (
    await partner.send("GET", `/customers?search=match&status=ACTIVE&limit=2&cursor=${nextCursor}`)
  ).body;
  expect(last.data.map(({ name }: { name: string }) => name)).toEqual(["Match 1"]);
  expect(last.pagination).toEqual({ hasMore: false, nextCursor: null });
});

it("search: text across email and name → nothing", async () => {
  const partner = await server.partner();
  await partner.send("POST", "/customers", { email: "left@end.example", name: "right" });
  for (const between of ["", " ", "\n", "\t", "\u0001", "\u001f", "\uffff", ",", "|"]) {
    expect(await findNames(partner, encoded(`example${between}right`))).toEqual([]);
    expect(await findNames(partner, encoded(`right${between}left`))).toEqual([]);
  }
});

it.each(["%", "_", "\\", "*", '"', "'", "?", "[", "^", "-", "\\%", "' or '1'='1"])(
  "search: %s in a name → literal",
  async (mark) => {
    const partner = await createPartnerWith(`ab${mark}cd`, "abxcd", "abcd", "ab cd");
    expect(await findNames(partner, encoded(`b${mark}c`))).toEqual([`ab${mark}cd`]);
    expect(await findNames(partner, encoded(mark))).toEqual([`ab${mark}cd`]);
  },
);

it.each(["%", "_", "*", "'"])("search: %s in an email → literal", async (mark) => {
  const { send } = await server.partner();
  await send("POST", "/customers", { email: `ab${mark}cd@x.example` });
  await send("POST", "/customers", { email: "abxcd@x.example" });
  const { body } = await send("GET", `/customers?search=${encoded(`B${mark}C`)}`);
  expect(body.data.map(({ email }: { email: string }) => email)).toEqual([`ab${mark}cd@x.example`]);
});

it("search: U+0000 → nothing, no error", async () => {
  const partner = await createPartnerWith("a", null);
  for (const raw of ["%00", "a%00", "%00a", "%00%00"]) expect(await findNames(partner, raw)).toEqual([]);
});

it("search: leading and trailing spaces → not trimmed", async () => {
  const partner = await createPartnerWith("padded", " padded ");
  expect(await findNames(partner, "%20padded")).toEqual([" padded "]);
  expect(await findNames(partner, "padded%20")).toEqual([" padded "]);
  expect(await findNames(partner, "%20")).toEqual([" padded "]);
});

it("search: raw + → space, %2B → plus", async () => {
  const partner = await createPartnerWith("one two", "one+two");
  expect(await findNames(partner, "one+two")).toEqual(["one two"]);
  expect(await findNames(partner, "one%2Btwo")).toEqual(["one+two"]);
});

it("search: raw reserved characters → literal", async () => {
  const name = "a@b,c:d;e/f?g!h$i(j)*k=l[m]n'o";
  const partner = await createPartnerWith(name, "other");
  expect(await findNames(partner, name)).toEqual([name]);
});

it("search: empty → ignored", async () => {
  const partner = await createPartnerWith("one", null);
  for (const query of ["search=", "search"])
    expect((await partner.send("GET", `/customers?${query}`)).body.data).toHaveLength(2);
});

it.each(["x", "ü", "😀"])("search: 200 of %s → found, 201 → 400", async (letter) => {
  const partner = await createPartnerWith(letter.repeat(200), letter.repeat(199));
  expect(await findNames(partner, encoded(letter.repeat(200)))).toEqual([letter.repeat(200)]);
  const { status, body } = await partner.send("GET", `/customers?search=${encoded(letter.repeat(201))}`);
  expect([status, body]).toEqual([400, { error: "Search must be at most 200 characters.", field: "search" }]);
});

it.each([
  ["Straße", "STRAßE"],
  ["Straße", "STRAẞE"],
  ["STRAẞE", "straße"],
  ["İstanbul", "i̇stanbul"],
  ["İstanbul", "İSTANBUL"],
  ["İstanbul", "istanbul"],
  ["istanbul", "İSTANBUL"],
  ["IŞIK", "ışık"],
  ["ışık", "IŞIK"],
  ["Straße", "strasse"],
  ["STRASSE", "straße"],
  ["ﬁne", "FINE"],
  ["ΟΔΥΣΣΕΥΣ", "οδυσσευς"],
  ["Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"],
  ["Οδυσσεύς", "οδυσσεύσ"],
  ["Οδυσσεύς", "ΟΔΥΣ"],
  ["ΟΔΟΣ ΑΘΗΝΑ", "οδος"],
  ["ς", "Σ"],
  ["Σ", "ς"],
  ["σ", "ς"],
  ["ДРУЖБА", "дружба"],
  ["Ünal", "üNAL"],
  ["ǅ", "ǆ"],
  ["Ⅷ", "ⅷ"],
  ["𐐀𐐁", "𐐨𐐩"],
  ["Ა", "ა"],
  ["Ꭰ", "ꭰ"],
  ["ＡＣＭＥ", "ａｃｍｅ"],
])("search: %s by %s → found in any case", async (name, term) => {
  const partner = await createPartnerWith(name, "other");
  expect(await findNames(partner, encoded(term))).toEqual([name]);
});

it("search: U+212A → finds k, its lower case", async () => {
  const { send } = await server.partner();
  await send("POST", "/customers", { email: "kelvin@x.example" });
  expect((await send("GET", `/customers?search=${encoded("\u212aelvin")}`)).body.data).toHaveLength(1);
});

it.each([
  ["Café", "Cafe\u0301"],
  ["Cafe\u0301", "café"],
  ["한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"],
  ["\u2126", "ω"],
  ["A\u030angström", "ångström"],
  ["q\u0323\u0307", "q\u0307\u0323"],
])("search: %s by %s → found by normal form C", async (name, term) => {
  const partner = await createPartnerWith(name, "other");
  expect(await findNames(partner, encoded(term))).toEqual([name]);
});

it.each([
  ["Café", "cafe"],
  ["ＡＣＭＥ", "acme"],
  ["Ⅳ", "iv"],
  ["x²", "x2"],
  ["½", "1/2"],
])("search: %s by %s → not found", async (name, term) => {
  const partner = await createPartnerWith(name);
  expect(await findNames(partner, encoded(term))).toEqual([]);
});

it("search: short terms, also in other companies' words → only own matches", async () => {
  const others = await server.partner();
  const letter = (index: number) => String.fromCodePoint(0x4e00 + index);
  for (let customer = 0; customer < 220; customer++) {
    const name = Array.from({ length: 100 }, (_, index) => `ż${letter(customer * 37 + index)}`).join("");
    await others.send("POST", "/customers", { email: `short${customer}@x.example`, name });
  }
  // Seven, because the newest few are compared without the index.
  const names = ["żaba", "Żubr", "ź", "ryż", "\ue000ż", "a", "b"];
  const partner = await createPartnerWith(...names);
  expect(await findNames(partner, encoded("ż"))).toEqual(["żaba", "Żubr", "ryż", "\ue000ż"]);
  expect(await findNames(partner, encoded("ża"))).toEqual(["żaba"]);
  expect(await findNames(partner, encoded(`ż${letter(0)}`))).toEqual([]);
  expect(await findNames(partner, encoded("\ue000"))).toEqual(["\ue000ż"]);
  const found = (await others.send("GET", `/customers?limit=100&search=${encoded("Ż")}`)).body;
  expect([found.data.length, found.pagination.hasMore]).toEqual([100, true]);
  const rare = (await others.send("GET", `/customers?search=${encoded(`ż${letter(3)}`)}`)).body.data;
  expect(rare.map(({ email }: { email: string }) => email)).toEqual(["short0@x.example"]);
}, 120_000);

it("search: characters at the ends of Unicode's planes → found", async () => {
  const partner = await createPartnerWith(
    "\ud7ff\ue000",
    "\u{10ffff}\u{10ffff}",
    "x\u{10ffff}",
    "\uffff",
    "a",
    "b",
  );
  expect(await findNames(partner, encoded("\ud7ff"))).toEqual(["\ud7ff\ue000"]);
  expect(await findNames(partner, encoded("\u{10ffff}"))).toEqual(["\u{10ffff}\u{10ffff}", "x\u{10ffff}"]);
  expect(await findNames(partner, encoded("\u{10ffff}\u{10ffff}"))).toEqual(["\u{10ffff}\u{10ffff}"]);
  expect(await findNames(partner, encoded("\uffff"))).toEqual(["\uffff"]);
});

it("search: own matches older than 300 of another company → found, in order", async () => {
  const server = await startServer({ searchWindow: 2 });
  onTestFinished(() => server.stop());
  const [own, other] = [await server.partner(), await server.partner({ company: "other" })];
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix} ${n}`);
  async function createAll(partner: Partner, all: string[]) {
    for (const [n, name] of all.entries()) {
      const status = n % 2 === 0 ? "ACTIVE" : "BLOCKED";
      const email = `${name.replaceAll(" ", ".")}@x.example`;
      expect((await partner.send("POST", "/customers", { email, name, status })).status).toBe(201);
    }
  }
  await createAll(own, names("quay", 6));
  await createAll(other, names("quay", 300));
  await createAll(own, names("bakery", 4));
  expect(await findNames(own, "quay")).toEqual(names("quay", 6));
  const { body } = await own.send("GET", "/customers?search=quay&status=BLOCKED");
  expect(body.data.map(({ name }: { name: string }) => name)).toEqual(["quay 5", "quay 3", "quay 1"]);
  const page = await other.send("GET", "/customers?search=quay&status=ACTIVE&limit=100");
  expect(page.body.data.map(({ name }: { name: string }) => name)).toEqual(
    names("quay", 300)
      .filter((_, n) => n % 2 === 0)
      .reverse()
      .slice(0, 100),
  );
});
