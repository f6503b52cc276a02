/** A network between a client and a server, which fails as it is told. */
import { once } from "node:events";
import type http from "node:http";
import { createCheckedFetch } from "../../server/contractCheck.ts";
import { serve } from "./otherServers.ts";

/** What may happen to a request: whether the server gets it, and what comes back in place of its answer. */
export const faults = {
  "dropped before the server gets it": { reachesServer: false, answer: "dropped" },
  "dropped before its answer": { reachesServer: true, answer: "dropped" },
  "dropped within the head of its answer": { reachesServer: true, answer: "half a head" },
  "dropped within the body of its answer": { reachesServer: true, answer: "half a body" },
  "held before the server gets it": { reachesServer: false, answer: "held" },
  "held before its answer": { reachesServer: true, answer: "held" },
  "answered 429 before the server gets it": { reachesServer: false, answer: 429 },
  "answered 502 after the server got it": { reachesServer: true, answer: 502 },
  "answered 503 before the server gets it": { reachesServer: false, answer: 503 },
  "answered 503 after the server got it": { reachesServer: true, answer: 503 },
  "answered 504 after the server got it": { reachesServer: true, answer: 504 },
} as const;

export type Fault = keyof typeof faults;

/** A request as it arrived from the client. */
export interface Try {
  method: string;
  target: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

export interface Network {
  /** Where the server is to be found, by way of this network. */
  url: string;
  /** What is to happen to the requests that come, in their order; nothing to those after them. */
  faults: Fault[];
  /** Every request so far. */
  tries: Try[];
}

/**
 * Opens a way to a server, until the test is over. What the server answers is compared with the contract.
 * @param servePage answers what is no request to the API, and meets no fault
 */
export async function openNetwork(serverUrl: string, servePage?: http.RequestListener): Promise<Network> {
  const checkedFetch = createCheckedFetch();
  const network: Network = { url: "", faults: [], tries: [] };
  const url = await serve(async (request, response) => {
    if (servePage && !request.url?.startsWith("/api/")) return servePage(request, response);
    const fault = network.faults.shift();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { method = "", url: target = "", headers } = request;
    network.tries.push({ method, target, headers, body: body.toString() });

    const { reachesServer, answer } = fault ? faults[fault] : { reachesServer: true, answer: "whole" };
    let answered = new Response();
    if (reachesServer) {
      const { connection: _, "transfer-encoding": __, ...forwarded } = headers;
      const sent = body.length > 0 ? { body } : {};
      const init = { method, headers: forwarded as Record<string, string>, ...sent };
      answered = await checkedFetch(serverUrl + target, init);
    }
    if (answer === "held") await once(response, "close");
    else if (answer === "dropped") request.socket.destroy();
    else if (answer === "half a head") {
      request.socket.end(`HTTP/1.1 ${answered.status} ${answered.statusText}\r\nContent-Ty`);
    } else if (typeof answer === "number") {
      response.writeHead(answer, { "Content-Type": "text/html", "Retry-After": "0" }).end("<h1>Sorry</h1>");
    } else {
      const bytes = Buffer.from(await answered.arrayBuffer());
      response.writeHead(answered.status, Object.fromEntries(answered.headers));
      if (answer === "whole") response.end(bytes);
      else response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
    }
  });
  // The name tells the judges of the suite that answers from here need not be those of the server.
  network.url = url.replace("127.0.0.1", "localhost");
  return network;
}
