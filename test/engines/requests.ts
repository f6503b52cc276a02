/** Generates valid and invalid requests for both engines. */
import fc from "fast-check";
import { arbitraryNumber, arbitraryText, tricky } from "../support/arbitraries.ts";

const words = (text: string) => fc.constantFrom(...text.split(" "));
/** Mixes two arbitraries; the second one is used in this percentage of cases. */
const mostly = <A, B>(usual: fc.Arbitrary<A>, other: fc.Arbitrary<B>, percent: number) =>
  fc.oneof({ weight: 100 - percent, arbitrary: usual }, { weight: percent, arbitrary: other });

/** Text with a meaning in a query language, a pattern or a driver. */
const syntax = fc.oneof(
  words(
    `% _ \\ \\% %% a% \\\\ \\x41 * ? [a] [^a] ' '' " "" a'b \` /* -- $1 $$ ?1 ?? :name :companyId : @x {} {a,b}`,
  ),
  words(
    `{NULL} () E'\\n' \\N U&'\\0041' null NULL true 0 -1 NaN a:* !a <-> . , - + = & # ; | ^ ~ a-b x@y <b> &amp;`,
  ),
  fc.constantFrom("' or '1'='1", "'; drop table customers; --", "a AND b", "a OR b", "NOT a", "a NEAR b"),
  fc.constantFrom("a & b", "a | b", " ", "  ", " padded ", "\t", "\r\n", "\u2028", "\u0001", "\ufeffx"),
);
/** Text for which engines could differ in case folding, normalization or length. */
const folding = words(
  "ς σς ΑΣ Οδυσσεύς ΟΔΥΣΣΕΥΣ İstanbul i̇stanbul ISTANBUL ısparta Straße STRASSE STRAẞE ß café CAFÉ 한국 😀 𐐀𐐁 𐐨𐐩 ½ ﬁ ² a b an ann anna ANNA 12",
);
const text = fc
  .tuple(
    fc.oneof(tricky, syntax, folding, arbitraryText(6)),
    fc.constantFrom("", "", " ", "a"),
    fc.oneof(syntax, folding),
  )
  .map(([first, between, last]) => (between === "" ? first : first + between + last));
const longText = fc
  .tuple(words("x ü 😀 % İ"), fc.constantFrom(199, 200, 201, 2000, 2001))
  .map(([letter, length]) => letter.repeat(length));

const textJson = mostly(
  mostly(text, longText, 3).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    "null",
    '""',
    "5",
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    "[]",
    "false",
  ),
  4,
);
/** Numbers in notations that JavaScript does not write, but a partner may. */
const numberJson = (max: number, spellings: string) =>
  mostly(
    fc.oneof(
      arbitraryNumber(max).map(String),
      words(`0 -0 0.0 0.30 0.29999999999999999 1e-400 1.7E-2 0.1234567890123456789 null ${spellings}`),
    ),
    words(`-1 -1e-9 100000000.00000002 100000001 1e400 9007199254740993 "5" true [] {} ""`),
    4,
  );
const fields = {
  name: textJson,
  notes: textJson,
  creditLimit: numberJson(
    100_000_000,
    "1 1e0 1E+2 1e8 100000000.00000000000001 33333333.333333332 1.0000000000000002 16777217",
  ),
  taxRateOverride: numberJson(0.3, "0.3 5e-324 2.2250738585072014e-308 0.30000000000000004"),
  status: mostly(words('"ACTIVE" "BLOCKED"'), words('null "active" "" 1'), 5),
};
/** Members of a body; rarely an unknown one, or a repeated one. */
const members = fc
  .tuple(
    fc.record(fields, { requiredKeys: [] }),
    mostly(
      fc.constant(""),
      words('"id":"x" "Name":"x" "__proto__":{} "emailVerified":true "":1 "name":"last"'),
      5,
    ),
  )
  .map(([values, more]) =>
    [...Object.entries(values).map(([name, json]) => `"${name}":${json}`), more].filter(Boolean),
  );

const goodEmail = fc
  .tuple(
    words("a Anna orders o'neil 100% a_b a.b x+y {x} ~ ` $1 a*b =1 k"),
    fc.nat(29),
    words("x.example Mail.Example a-b.c.example"),
  )
  .map(([name, number, domain]) => JSON.stringify(`${name}${number}@${domain}`));
const email = mostly(
  goodEmail,
  fc.constantFrom(
    '""',
    "null",
    "1",
    '"x"',
    '"x@y"',
    '" a@x.example"',
    '"\\u212a@x.example"',
    '"ä@x.example"',
    '"a@x.example\\u0000"',
    `"${"a".repeat(244)}@x.example"`,
    '"a@@x.example"',
  ),
  7,
);
const badBody = fc.constantFrom<string | Buffer>(
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
  ...[Buffer.from([0x7b, 0xff, 0x7d]), Buffer.from('{"email":"\xe9@x.example"}', "latin1")],
  ...[`{"name":"${"x".repeat(65_530)}"}`, " ".repeat(65_537)],
);
const requestId = mostly(
  fc.constant({}),
  words("mine-1 a,b").map((id) => ({ "X-Request-Id": id })),
  10,
);

/** IDs that no customer has: unknown and malformed ones. */
const wrongId = words(
  `x 0 %00 %20 null <id&nbsp;0>x %F0%9F%98%80 ' a%2Fb %FF 019ab3f2-7c00-7d3a-9b52-3f6f1f0f6a11 019AB3F2-7C00-7D3A-9B52-3F6F1F0F6A11 019ab3f2-7c00-4d3a-9b52-3f6f1f0f6a11 019ab3f27c007d3a9b523f6f1f0f6a11`,
).map((id) => id.replace("&nbsp;", " "));
/** A customer created so far, or a wrong ID. */
const which = mostly(fc.nat(), wrongId, 12);
/** Current and earlier entity tags, and lists of them. */
const tags = mostly(
  fc.constant(null),
  fc.tuple(
    fc.nat(),
    fc.constantFrom("now", "before", "W/now", '"x", now', "before,now", "*", '"x"', "x", "", "now x"),
  ),
  45,
);

const limit = words("0 1 2 3 7 50 100 101 -1 -0 007 99999999999999999999 1e1 5.0 %205 +5 x");
const term = fc
  .tuple(mostly(text, longText, 4), fc.nat(), fc.integer({ min: 1, max: 5 }), fc.nat(4))
  .map(([all, start, length, form]) => {
    const characters = [...all];
    const part = characters
      .slice(start % characters.length)
      .slice(0, length)
      .join("");
    const forms = [all, part, part.toUpperCase(), part.toLowerCase(), part.normalize("NFD")];
    return encodeURIComponent(forms[form] as string);
  });
const filters = fc
  .tuple(
    mostly(fc.constant(""), words("status=ACTIVE status=BLOCKED"), 35),
    mostly(
      fc.constant(""),
      term.map((value) => `search=${value}`),
      60,
    ),
  )
  .map((pieces) => pieces.filter(Boolean));
/** Parts of a query that are invalid, or have unusual notation. */
const oddPiece = fc.oneof(
  limit.map((value) => `limit=${value}`),
  words(
    "limit= cursor= cursor cursor=x cursor=%00 cursor=019AB3F2-7C00-7D3A-9B52-3F6F1F0F6A11 cursor=00000000-0000-7000-8000-000000000000 cursor=ffffffff-ffff-7fff-bfff-ffffffffffff",
  ),
  words(
    "status= status status=active status=ACTIVE%20 search= search search=%00 search=a%00 search=%FF search=a+b search=a%2Bb search=@:/?!$'()*,;[] search=% search=\xe9",
  ),
  goodEmail.map((json) => `email=${encodeURIComponent(JSON.parse(json)).toUpperCase()}`),
  words(
    `email= email=x email=%00 email=%C3%A9@x.example email=${"a".repeat(255)} & page=1 Limit=1 %00=1 __proto__=1`,
  ),
);

const createStep = fc.record({
  kind: fc.constant("create" as const),
  body: mostly(
    fc
      .tuple(
        mostly(
          email.map((json) => [`"email":${json}`]),
          fc.constant([]),
          2,
        ),
        members,
      )
      .map((parts) => `{${parts.flat().join()}}`),
    badBody,
    5,
  ),
  idempotencyKey: mostly(
    fc.constant(null),
    fc.oneof(
      fc.nat(60).map((n) => `k${n}`),
      fc.constantFrom("k 2", "'", "%", "\\", "", "\xe9", "x".repeat(256)),
    ),
    30,
  ),
  /** An earlier request with a key, in place of a new request. */
  repeats: mostly(fc.constant(undefined), fc.nat(), 12),
  key: words("acme acme acme acme colleague writer other") as fc.Arbitrary<
    "acme" | "colleague" | "writer" | "other"
  >,
  headers: requestId,
});
const updateStep = fc.record({
  kind: fc.constant("update" as const),
  which,
  tags,
  headers: requestId,
  query: mostly(fc.constant(""), fc.constant("?x=1"), 2),
  body: mostly(
    fc
      .tuple(
        members,
        mostly(
          fc.constant([]),
          goodEmail.map((json) => [`"email":${json}`]),
          3,
        ),
      )
      .map((parts) => `{${parts.flat().join()}}`),
    badBody,
    3,
  ),
  key: fc.constantFrom("acme" as const, "writer" as const, "colleague" as const),
});

/** A step of the trace. */
export const step = fc.oneof(
  { weight: 28, arbitrary: createStep },
  { weight: 25, arbitrary: updateStep },
  {
    weight: 15,
    arbitrary: fc.record({
      kind: fc.constant("get" as const),
      which,
      tags,
      headers: requestId,
      method: fc.constantFrom("GET", "GET", "GET", "HEAD"),
      query: mostly(fc.constant(""), fc.constant("?limit=1"), 2),
      key: fc.constantFrom("acme" as const, "reader" as const),
    }),
  },
  {
    weight: 25,
    arbitrary: fc.record({
      kind: fc.constant("list" as const),
      pieces: fc
        .tuple(
          filters,
          mostly(
            fc.constant(""),
            limit.map((value) => `limit=${value}`),
            50,
          ),
          mostly(fc.constant(""), oddPiece, 20),
        )
        .map((parts) => parts.flat().filter(Boolean) as string[]),
      after: mostly(fc.constant(null), fc.nat(), 30),
      isReversed: fc.boolean(),
      key: fc.constantFrom("acme" as const, "reader" as const, "other" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("iterate" as const),
      filters,
      limits: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 6, maxLength: 6 }),
      /** Changes between its pages. */
      meanwhile: fc.array(fc.oneof(createStep, updateStep), { maxLength: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("rejected" as const),
      which: fc.nat(),
      n: fc.nat(14),
      email: goodEmail,
    }),
  },
);

export type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
