/** A network between a client and a server, with faults that the test chooses. */
import { once } from "node:events";
import type http from "node:http";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import { serve } from "./otherServers.ts";

/** Faults of a request: whether it reaches the server, and what the client receives instead of the response. */
export const faults = {
  "dropped before the server gets it": { reachesServer: false, outcome: "dropped" },
  "dropped before its response": { reachesServer: true, outcome: "dropped" },
  "dropped within its response headers": { reachesServer: true, outcome: "half of the headers" },
  "dropped within its response body": { reachesServer: true, outcome: "half of the body" },
  "held before the server gets it": { reachesServer: false, outcome: "held" },
  "held before its response": { reachesServer: true, outcome: "held" },
  "429 before the server gets it": { reachesServer: false, outcome: 429 },
  "502 after the server got it": { reachesServer: true, outcome: 502 },
  "503 before the server gets it": { reachesServer: false, outcome: 503 },
  "503 after the server got it": { reachesServer: true, outcome: 503 },
  "504 after the server got it": { reachesServer: true, outcome: 504 },
} as const;

export type Fault = keyof typeof faults;

/** A request as it arrived from the client. */
export interface Attempt {
  method: string;
  target: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface Network {
  /** The address of the server through this network. */
  url: string;
  /** Faults of the next requests, in order; later ones have none. */
  faults: Fault[];
  /** Every request so far. */
  attempts: Attempt[];
}

/**
 * Opens a network to a server until the test finishes. Every response of the server is compared with the contract.
 * @param servePage serves every other path, without faults
 */
export async function openNetwork(serverUrl: string, servePage?: http.RequestListener): Promise<Network> {
  const checkedFetch = createCheckedFetch();
  const network: Network = { url: "", faults: [], attempts: [] };
  const url = await serve(async (request, response) => {
    if (servePage && !request.url?.startsWith("/api/")) return servePage(request, response);
    const fault = network.faults.shift();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = "", url: target = "", headers } = request;
    network.attempts.push({ method, target, headers, body: body.toString() });

    const { reachesServer, outcome } = fault ? faults[fault] : { reachesServer: true, outcome: "whole" };
    let received = new Response();
    if (reachesServer) {
      const { connection: _, "transfer-encoding": __, ...forwarded } = headers;
      const sent = body.length > 0 ? { body } : {};
      const init = { method, headers: forwarded as Record<string, string>, ...sent };
      received = await checkedFetch(serverUrl + target, init);
    }
    if (outcome === "held") await once(response, "close");
    else if (outcome === "dropped") request.socket.destroy();
    else if (outcome === "half of the headers") {
      request.socket.end(`HTTP/1.1 ${received.status} ${received.statusText}\r\nContent-Ty`);
    } else if (typeof outcome === "number") {
      response.writeHead(outcome, { "Content-Type": "text/html", "Retry-After": "0" }).end("<h1>Sorry</h1>");
    } else {
      const bytes = Buffer.from(await received.arrayBuffer());
      response.writeHead(received.status, Object.fromEntries(received.headers));
      if (outcome === "whole") response.end(bytes);
      else response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
    }
  });
  // External checkers recognize by this name that responses may not be the server's own.
  network.url = url.replace("127.0.0.1", "localhost");
  return network;
}
