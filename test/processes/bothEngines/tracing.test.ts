/** Tracing with an SDK that is loaded before the server, as in the README. */
import { expect, it } from "vitest";
import { createTemporaryDatabase } from "../../support/databases.ts";
import { serve } from "../../support/otherServers.ts";
import { createKeyByCommand, spawnServer } from "../../support/processes.ts";

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  attributes: { key: string; value: Record<string, unknown> }[];
}

/** OTLP's number for the kind of a server's span. */
const server = 2;

/** A receiver of OTLP over HTTP, with the spans that it has received. */
async function startReceiver(): Promise<{ url: string; spans: Span[] }> {
  const spans: Span[] = [];
  const url = await serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    response.setHeader("Content-Type", "application/json").end("{}");
  });
  return { url, spans };
}

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentSpanId = "b7ad6b7169203331";

it("tracing: request → a span of its operation without the search text", async () => {
  const { url, spans } = await startReceiver();
  const DATABASE_URL = await createTemporaryDatabase();
  const { fetch, ...spawned } = await spawnServer({
    DATABASE_URL,
    NODE_OPTIONS: "--import ./test/support/tracing.mjs",
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
  });
  const key = await createKeyByCommand(DATABASE_URL);
  const { response } = await spawned.client(key).POST("/customers", { body: { email: "a@x.example" } });
  expect(response.status).toBe(201);
  const searched = await fetch("/api/v1/customers?search=secret-search", {
    headers: { Authorization: `Bearer ${key}`, traceparent: `00-${traceId}-${parentSpanId}-01` },
  });
  expect(searched.status).toBe(200);
  // Before an operation is known, too.
  const rejected = [
    await fetch("/nowhere?search=secret-search"),
    await fetch("/api/v1/customers?search=secret-search", { method: "PUT" }),
    await fetch("/api/v1/customers?search=secret-search&limit=x", {
      headers: { Authorization: `Bearer ${key}` },
    }),
  ];
  expect(rejected.map(({ status }) => status)).toEqual([404, 405, 400]);

  const serverSpans = () => spans.filter(({ kind }) => kind === server);
  await expect
    .poll(() =>
      serverSpans()
        .map(({ name }) => name)
        .sort(),
    )
    .toEqual(["GET", "PUT", "createCustomer", "listCustomers", "listCustomers"]);
  const list = serverSpans().find((span) => span.traceId === traceId) as Span;
  expect(list).toMatchObject({ traceId, parentSpanId });
  const attributes = Object.fromEntries(
    list.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  );
  expect(attributes).toMatchObject({
    "http.request.method": "GET",
    "http.route": "/api/v1/customers",
    "http.response.status_code": 200,
  });
  for (const secret of ["secret-search", key, "a@x.example"])
    expect(JSON.stringify(spans)).not.toContain(secret);

  if (process.env.TEST_ENGINE === "postgres") {
    // The request's database queries, as child spans.
    const children = spans.filter((span) => span.parentSpanId === list.spanId);
    expect(children.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^pg\.query:/));
  }
});
