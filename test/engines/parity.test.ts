/** The same sequence of requests, sent to both engines: any difference is a bug. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Step, step } from "./requests.ts";
import { exchangeMasked, type Side, startSide, type TraceRequest } from "./sides.ts";

const requests = 2_400;
const seed = 20_260_301;

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

type StepOf<Kind extends Step["kind"]> = Extract<Step, { kind: Kind }>;

it("both engines: 2,400 random requests → same responses, byte for byte", {
  timeout: 120_000,
}, async () => {
  const statuses = new Map<number, number>();
  const [customers, foreign]: [string[], string[]] = [[], []];
  const keyed: Pick<TraceRequest, "headers" | "body">[] = [];
  let count = 0;

  /** Sends a request to both engines and compares the responses; returns the response if they are equal. */
  async function send(request: TraceRequest) {
    count++;
    const [sqlite, postgres] = await Promise.all(sides.map((side) => exchangeMasked(side, request)));
    expect(postgres, `request ${count}: ${JSON.stringify(request)}`).toEqual(sqlite);
    const response = sqlite as Awaited<ReturnType<typeof exchangeMasked>>;
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    return { ...response, json: response.body === "" ? undefined : JSON.parse(response.body) };
  }
  const pick = (items: string[], index: number) => items[index % items.length] as string;
  /** Returns the ID of a customer of the company; rarely one of another company, or an unknown one. */
  const resolveId = (which: number | string) => {
    if (typeof which === "string") return which;
    return which % 16 === 0 && foreign.length > 0 ? pick(foreign, which >> 4) : pick(customers, which);
  };
  /** Builds a header with current and earlier entity tags of the customer. */
  function tagHeader(name: string, id: string, tags: [number, string] | null): Record<string, string> {
    if (tags === null) return {};
    const place = Number(/\d+/.exec(id)?.[0]);
    const changes = sides[0].tags[place]?.length ?? 1;
    const [now, before] = [`<tag ${place}.${changes - 1}>`, `<tag ${place}.${tags[0] % changes}>`];
    return { [name]: tags[1].replace("now", now).replace("before", before) };
  }

  async function create({ body, idempotencyKey, repeats, key, headers }: StepOf<"create">): Promise<void> {
    const own = { body, headers: { ...(idempotencyKey !== null && { "Idempotency-Key": idempotencyKey }) } };
    const repeated = repeats === undefined ? undefined : keyed[repeats % keyed.length];
    if (!repeated && idempotencyKey !== null) keyed.push(own);
    const request = repeated ?? own;
    const target = { method: "POST", target: "/customers", key };
    const { status, json } = await send({
      ...target,
      ...request,
      headers: { ...request.headers, ...headers },
    });
    if (status === 201) (key === "other" ? foreign : customers).push(json.data.id);
  }

  async function update({ which, tags, headers, query, body, key }: StepOf<"update">): Promise<void> {
    const id = resolveId(which);
    const all = { ...tagHeader("If-Match", id, tags), ...headers };
    await send({ method: "PATCH", target: `/customers/${id}${query}`, key, headers: all, body });
  }

  const steps: { [Kind in Step["kind"]]: (step: StepOf<Kind>) => Promise<unknown> } = {
    create,
    update,
    async get({ which, tags, headers, method, query, key }) {
      const id = resolveId(which);
      const all = { ...tagHeader("If-None-Match", id, tags), ...headers };
      await send({ method, target: `/customers/${id}${query}`, key, headers: all });
    },
    async list({ pieces, after, isReversed, key }) {
      const cursor = after === null ? [] : [`cursor=${pick([...customers, ...foreign], after)}`];
      const all = [...pieces, ...cursor];
      const query = (isReversed ? all.reverse() : all).join("&");
      await send({ method: "GET", target: `/customers${query && `?${query}`}`, key });
    },
    async iterate({ filters, limits, meanwhile }) {
      let cursor: string | null = "";
      for (let page = 0; cursor !== null; page++) {
        const query = [...filters, `limit=${limits[page % limits.length]}`, `cursor=${cursor}`].join("&");
        const { json } = await send({ method: "GET", target: `/customers?${query}`, key: "acme" });
        cursor = json.pagination?.nextCursor ?? null;
        const change = meanwhile[page];
        if (change) await (change.kind === "create" ? create(change) : update(change));
      }
    },
    async rejected({ which, n, email }) {
      const path = `/customers/${pick(customers, which)}`;
      const body = `{"email":${email}}`;
      const list = { method: "GET", target: "/customers" };
      const post = { method: "POST", target: "/customers", body };
      const all: TraceRequest[] = [
        ...(["unknown", "expired", "writer"] as const).map((key) => ({ ...list, key })),
        ...(["unknown", "expired", "reader"] as const).map((key) => ({ ...post, key })),
        { method: "PATCH", target: path, key: "reader", body: "{}" },
        ...["PUT", "OPTIONS"].map((method) => ({ ...list, method, key: "acme" as const })),
        ...["DELETE", "OPTIONS"].map((method) => ({ method, target: path, key: "acme" as const })),
        ...["/Customers", `${path}/x`].map((target) => ({ ...list, target, key: "acme" as const })),
        ...["text/plain", ""].map((type) => ({
          ...post,
          key: "acme" as const,
          headers: { "Content-Type": type },
        })),
      ];
      await send(all[n] as TraceRequest);
    },
  };

  const trace = fc.sample(step, { numRuns: 2 * requests, seed });
  for (const step of trace.filter(({ kind }) => kind === "create").slice(0, 150))
    await create(step as StepOf<"create">);
  for (const step of trace) {
    if (count >= requests) break;
    await (steps[step.kind] as (step: Step) => Promise<unknown>)(step);
  }
  expect(count).toBeGreaterThanOrEqual(requests);
  expect(customers.length).toBeGreaterThan(200);
  // The trace must provoke every kind of response.
  expect([...statuses.keys()].sort()).toEqual([
    200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422,
  ]);
});
