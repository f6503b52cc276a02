/** Starts Prism as a mock, and as a validating proxy. */
import { fileURLToPath } from "node:url";
import { createLogger } from "@stoplight/prism-core";
import { createInstance, getHttpOperationsFromSpec } from "@stoplight/prism-http";
import { createServer } from "@stoplight/prism-http-server";

const contractFile = fileURLToPath(new URL("../../openapi/openapi.yaml", import.meta.url));

/** The contract as parsed by Prism. */
export const operations = await getHttpOperationsFromSpec(contractFile);

const components = { logger: createLogger("prism", { level: "silent" }) };
const common = {
  validateResponse: true,
  checkSecurity: true,
  // Otherwise Prism would respond in place of the server.
  errors: false,
  upstreamProxy: undefined,
  mock: { dynamic: false },
};

/** Starts Prism's mock on a free port; it responds with the examples. */
export async function startMock() {
  const config = { ...common, isProxy: false as const, validateRequest: true };
  const mock = createServer(operations, { cors: false, config, components });
  return { mock, url: await mock.listen(0, "127.0.0.1") };
}

/** Starts Prism's validating proxy on a free port; its path `/customers` is `/customers` of the upstream. */
export async function startProxy(upstream: string) {
  const config = {
    ...common,
    isProxy: true as const,
    // Prism reports violations in a header, which cannot contain everything that tests send (such as Cyrillic names), so
    // it would fail to respond. Requests that the server accepts are validated by `findRequestViolations`.
    validateRequest: false,
    upstream: new URL(upstream),
  };
  const proxy = createServer(operations, { cors: false, config, components });
  return { proxy, url: await proxy.listen(0, "127.0.0.1") };
}

/** Finds the violations of a request with Prism, regardless of its response. */
export async function findRequestViolations(
  request: Request,
  path: string,
  body: Uint8Array,
): Promise<string[]> {
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
    // Decoded as by the server, without a byte order mark.
    body: body.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(body)),
  };
  const config = { ...common, isProxy: false as const, validateRequest: true };
  const result = await createInstance(config, components).request(input, operations, config)();
  if (result._tag === "Left") return [result.left.message];
  return result.right.validations.input.map(({ message }) => message);
}

function one(values: string[]): string | string[] {
  return values.length === 1 ? (values[0] as string) : values;
}
