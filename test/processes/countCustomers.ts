/** The steps of CONTRIBUTING.md's worked example: `GET /customers/count`. */

interface Step {
  file: string;
  /** The text of the file after the step; a new file was empty before. */
  edit(text: string): string;
}

/** Inserts lines before the first line with this beginning. */
const before = (start: string, lines: string) => (text: string) => {
  const place = text.indexOf(`\n${start}`);
  if (place < 0) throw new Error(`There is no line ${start}`);
  return `${text.slice(0, place + 1)}${lines}${text.slice(place + 1)}`;
};

// The literal path comes after the templated one on purpose.
const contract = `\
  /customers/count:
    get:
      operationId: countCustomers
      tags: [Customers]
      summary: Count customers
      description: How many customers your company has.
      x-required-scopes: [customers:read]
      responses:
        "200":
          description: The number of customers.
          headers:
            X-Request-Id: { $ref: "#/components/headers/X-Request-Id" }
            X-Content-Type-Options: { $ref: "#/components/headers/X-Content-Type-Options" }
            Cache-Control: { $ref: "#/components/headers/Cache-Control" }
            RateLimit-Limit: { $ref: "#/components/headers/RateLimit-Limit" }
            RateLimit-Remaining: { $ref: "#/components/headers/RateLimit-Remaining" }
            RateLimit-Reset: { $ref: "#/components/headers/RateLimit-Reset" }
          content:
            application/json:
              schema: { $ref: "#/components/schemas/CustomerCount" }
              examples:
                three:
                  summary: Three customers
                  value: { data: { count: 3 } }
        "400": { $ref: "#/components/responses/BadGetRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "403": { $ref: "#/components/responses/ReadForbidden" }
        "429": { $ref: "#/components/responses/TooManyRequests" }
        "500": { $ref: "#/components/responses/InternalServerError" }
        "503": { $ref: "#/components/responses/ServiceUnavailable" }
`;
const schema = `\
    CustomerCount:
      type: object
      required: [data]
      properties:
        data:
          type: object
          required: [count]
          properties:
            count: { type: integer, description: The number of customers., example: 3 }
`;

const test = `\
import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

it("countCustomers: two customers, one of another company → 200 with 2", async () => {
  const [ours, theirs] = [await server.partner(), await server.partner()];
  for (const { send } of [ours, theirs, ours])
    await send("POST", "/customers", { email: \`\${Math.random()}@x.example\` });
  expect((await ours.send("GET", "/customers/count")).body).toEqual({ data: { count: 2 } });
});
`;

const samples = {
  sh: `curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/customers/count"\n`,
  ts: `\
import { createCustomersClient, unwrap } from "@distribu/customers-client";

const { API, KEY } = process.env as { API: string; KEY: string };
const client = createCustomersClient({ baseUrl: API, apiKey: KEY });

console.log((await unwrap(client.GET("/customers/count"))).data.count);
`,
  py: `\
import os

import requests

response = requests.get(
    f"{os.environ['API']}/customers/count",
    headers={"Authorization": f"Bearer {os.environ['KEY']}"},
    timeout=15,
)
response.raise_for_status()
print(response.json()["data"]["count"])
`,
  php: `\
<?php
$curl = curl_init(getenv('API') . '/customers/count');
curl_setopt_array($curl, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 15,
    CURLOPT_HTTPHEADER => ['Authorization: Bearer ' . getenv('KEY')],
]);
echo json_decode(curl_exec($curl), true)['data']['count'], "\\n";
`,
};

/** One step for each file, in the order of CONTRIBUTING.md. */
export const countCustomers: Step[] = [
  {
    file: "openapi/openapi.yaml",
    edit: (text) =>
      before("x-any-request:", contract)(text).replace("\n  schemas:\n", (line) => `${line}${schema}`),
  },
  {
    file: "server/database/customers.ts",
    edit: (text) =>
      before(
        "  const selectByEmail",
        `  const countAll = prepare<{ count: number }>(customersOfCompany().count("* as count"));\n`,
      )(text).replace(
        "\n    async isEmailTaken(",
        `
    async count(companyId: string): Promise<number> {
      const [row] = await read(countAll, { companyId });
      return Number(row?.count);
    },
$&`,
      ),
  },
  {
    file: "server/customers.ts",
    edit: before(
      "    async getCustomer(",
      `    async countCustomers({ companyId }) {
      return { status: 200, body: { data: { count: await customers.count(companyId) } } };
    },

`,
    ),
  },
  {
    file: "server/commands/contractResponses.ts",
    edit: (text) =>
      before(
        '  "getCustomer 200"',
        `  "countCustomers 200": (client) => client.call("countCustomers"),
`,
      )(text)
        .replace('reads = ["listCustomers", ', '$&"countCustomers", ')
        .replace(
          'forOperations(["listCustomers"], "400 Malf',
          'forOperations(["listCustomers", "countCustomers"], "400 Malf',
        ),
  },
  { file: "test/http/countCustomers.test.ts", edit: () => test },
  {
    file: "test/contract/examples.test.ts",
    edit: before("    createCustomer: 201,", "    countCustomers: 200,\n"),
  },
  {
    file: "test/processes/samples.test.ts",
    edit: before(
      "  async getCustomer(",
      `  async countCustomers({ stdout }, seen, { emails }) {
    expect(seen).toEqual(["GET 200"]);
    expect(stdout.trim()).toContain(String(emails.length));
  },
`,
    ),
  },
  ...Object.entries(samples).map(([ending, text]) => ({
    file: `openapi/samples/countCustomers.${ending}`,
    edit: () => text,
  })),
];
