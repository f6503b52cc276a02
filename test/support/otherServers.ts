/** HTTP servers that are not ours: stand-ins for another service, and a checking proxy. */
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";

/** Starts an HTTP server on a free port until the test finishes; returns its address. */
export async function serve(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * Starts a proxy for programs that do not check what they receive. It compares every response with the contract, and
 * responds 502 with a report if one differs. Returns its address.
 * @param onResponse is called with every response that conforms
 */
export function serveChecked(
  target: string,
  onResponse: (response: ObservedResponse) => void,
): Promise<string> {
  const checkedFetch = createCheckedFetch({ onResponse });
  return serve(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { connection: _, expect: __, ...headers } = incoming.headers;
    const response = await checkedFetch(target + incoming.url, {
      method: incoming.method as string,
      headers: headers as Record<string, string>,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    }).catch((difference) => new Response(String(difference), { status: 502 }));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
  });
}
