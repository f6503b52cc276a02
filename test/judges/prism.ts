/** Prism, as both of its servers are made here: a mock, and a proxy that judges what passes. */
import { fileURLToPath } from "node:url";
import { createLogger } from "@stoplight/prism-core";
import { createInstance, getHttpOperationsFromSpec } from "@stoplight/prism-http";
import { createServer } from "@stoplight/prism-http-server";

const contractFile = fileURLToPath(new URL("../../openapi/openapi.yaml", import.meta.url));

/** The contract, as Prism understands it. */
export const operations = await getHttpOperationsFromSpec(contractFile);

const components = { logger: createLogger("prism", { level: "silent" }) };
const common = {
  validateResponse: true,
  checkSecurity: true,
  // With errors, Prism would answer in the server's place.
  errors: false,
  upstreamProxy: undefined,
  mock: { dynamic: false },
};

/** Prism's mock on a free port; it answers from the examples. */
export async function startMock() {
  const config = { ...common, isProxy: false as const, validateRequest: true };
  const mock = createServer(operations, { cors: false, config, components });
  return { mock, url: await mock.listen(0, "127.0.0.1") };
}

/** Prism's validating proxy on a free port; its path `/customers` is `/customers` of the upstream. */
export async function startProxy(upstream: string) {
  const config = {
    ...common,
    isProxy: true as const,
    // A violation goes into a header, which cannot hold what a test may send (names in Cyrillic);
    // Prism would fail to answer. What the server accepted is judged by `requestViolations`.
    validateRequest: false,
    upstream: new URL(upstream),
  };
  const proxy = createServer(operations, { cors: false, config, components });
  return { proxy, url: await proxy.listen(0, "127.0.0.1") };
}

/** What Prism finds wrong with a request, whatever it was answered. */
export async function requestViolations(request: Request, path: string, body: Uint8Array): Promise<string[]> {
  const { searchParams } = new URL(request.url);
  const input = {
    method: request.method.toLowerCase() as "get",
    url: {
      path,
      query: Object.fromEntries(
        [...searchParams.keys()].map((name) => [name, one(searchParams.getAll(name))]),
      ),
    },
    headers: Object.fromEntries(request.headers),
    // Decoded as the server does, without a byte order mark.
    body: body.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(body)),
  };
  const config = { ...common, isProxy: false as const, validateRequest: true };
  const answer = await createInstance(config, components).request(input, operations, config)();
  if (answer._tag === "Left") return [answer.left.message];
  return answer.right.validations.input.map(({ message }) => message);
}

function one(values: string[]): string | string[] {
  return values.length === 1 ? (values[0] as string) : values;
}
