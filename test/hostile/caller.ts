/** A client that sends raw bytes on one persistent connection, and compares every response with the contract. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { assertContract } from "../../server/checkedFetch.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { buildRequestBytes, parseResponses } from "../support/rawHttp.ts";

/** A request as it is sent; a Content-Length is added to a body. */
export interface Sent {
  method: string;
  target: string;
  headers: Record<string, string>;
  body?: Buffer;
}

export class Caller {
  readonly #port: number;
  readonly #localAddress: string;
  #socket: Socket | undefined;

  /** @param localAddress the address that the server sees */
  constructor(port: number, localAddress = "127.0.0.1") {
    this.#port = port;
    this.#localAddress = localAddress;
  }

  /**
   * Returns the response to a request.
   * @throws {Error} if it does not conform to the contract, or if the server closes the connection without one
   */
  async send({ method, target, headers, body }: Sent): Promise<ObservedResponse> {
    const length = body && { "Content-Length": String(body.length) };
    const all = { Connection: "keep-alive", ...headers, ...length };
    const bytes = buildRequestBytes(`${method} ${target}`, all, body);
    const received = await this.exchange(bytes);
    // The server cannot know the method of bytes that are not an HTTP request: such a response has a body, and closes.
    const isMalformed = method === "HEAD" && !received.toString("latin1").endsWith("\r\n\r\n");
    const assumedMethod = isMalformed ? "GET" : method;
    const [response] = parseResponses(received, assumedMethod, targetForContract(target));
    if (isMalformed && response?.headers.connection !== "close")
      throw new Error("A response to HEAD has a body");
    assertContract(response as ObservedResponse);
    return response as ObservedResponse;
  }

  /** Sends the bytes of a request and returns those of its response. */
  async exchange(bytes: Buffer): Promise<Buffer> {
    const kept = this.#socket;
    try {
      return await this.#exchangeOn(kept ?? (await this.#open()), bytes);
    } catch (error) {
      // The server closes idle connections after a timeout, possibly this one just now; on a new one it must respond.
      if (kept === undefined) throw error;
      return this.#exchangeOn(await this.#open(), bytes);
    }
  }

  #exchangeOn(socket: Socket, bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0);
      const settle = () => {
        socket.off("data", take).off("close", fail);
        if (this.#socket !== socket) socket.destroy();
      };
      const fail = () => {
        settle();
        reject(
          new Error(`The connection was closed without a response to ${bytes.toString("latin1", 0, 500)}`),
        );
      };
      const take = (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        const headers = received.toString("latin1", 0, end);
        const hasBody = !/^HTTP\/1\.1 (204|304)/.test(headers) && bytes.toString("latin1", 0, 5) !== "HEAD ";
        const length = hasBody ? Number(/^content-length: (\d+)$/im.exec(headers)?.[1] ?? 0) : 0;
        if (received.length < end + 4 + length) return;
        // No other request may be sent on a connection that the server has announced to close.
        if (/^connection: close$/im.test(headers)) this.#socket = undefined;
        settle();
        resolve(received);
      };
      socket.on("data", take).on("close", fail);
      socket.write(bytes);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #open(): Promise<Socket> {
    const socket = connect({ port: this.#port, host: "127.0.0.1", localAddress: this.#localAddress });
    socket.setNoDelay();
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    await once(socket, "connect");
    this.#socket = socket;
    // A reset closes it too: the close event is enough.
    socket.on("error", () => {});
    return socket;
  }
}

/** Sends requests over several callers at a time; resolves to their responses, in the order of the requests. */
export async function sendAll(callers: Caller[], requests: readonly Sent[]): Promise<ObservedResponse[]> {
  const responses: ObservedResponse[] = [];
  const rest = requests.entries();
  const work = async (caller: Caller) => {
    for (const [index, request] of rest) responses[index] = await caller.send(request);
  };
  await Promise.all(callers.map(work));
  return responses;
}

/** Returns the path of a target in absolute form: the contract has only paths. */
function targetForContract(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, "");
}
