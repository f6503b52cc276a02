/** A client of bytes: one kept connection, one request at a time, and every answer compared with the contract. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { assertContract } from "../../server/checkedFetch.ts";
import type { ObservedResponse } from "../../server/contractCheck.ts";
import { parseResponses, requestBytes } from "../support/rawHttp.ts";

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
   * The answer to a request.
   * @throws {Error} where it differs from the contract, or where the server ends the connection without one
   */
  async send({ method, target, headers, body }: Sent): Promise<ObservedResponse> {
    const length = body && { "Content-Length": String(body.length) };
    const all = { Connection: "keep-alive", ...headers, ...length };
    const bytes = requestBytes(`${method} ${target}`, all, body);
    const received = await this.exchange(bytes);
    // Of bytes that are no HTTP request nobody knows the method: the answer has a body, and ends the connection.
    const isMalformed = method === "HEAD" && !received.toString("latin1").endsWith("\r\n\r\n");
    const known = isMalformed ? "GET" : method;
    const [answer] = parseResponses(received, known, targetForContract(target));
    if (isMalformed && answer?.headers.connection !== "close")
      throw new Error("An answer to HEAD has a body");
    assertContract(answer as ObservedResponse);
    return answer as ObservedResponse;
  }

  /** The bytes of the answer to the bytes of a request. */
  async exchange(bytes: Buffer): Promise<Buffer> {
    const kept = this.#socket;
    try {
      return await this.#exchangeOn(kept ?? (await this.#open()), bytes);
    } catch (error) {
      // The server ends an idle connection after five seconds, perhaps just now: on a new one it must answer.
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
          new Error(`The connection ended in place of an answer to ${bytes.toString("latin1", 0, 500)}`),
        );
      };
      const take = (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = received.toString("latin1", 0, end);
        const hasBody = !/^HTTP\/1\.1 (204|304)/.test(head) && bytes.toString("latin1", 0, 5) !== "HEAD ";
        const length = hasBody ? Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0) : 0;
        if (received.length < end + 4 + length) return;
        // Whoever is told that the connection closes shall not send another request on it.
        if (/^connection: close$/im.test(head)) this.#socket = undefined;
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
    // A reset ends it too, and is seen by its close.
    socket.on("error", () => {});
    return socket;
  }
}

/** Sends requests over several callers at a time; resolves to their answers, in the order of the requests. */
export async function sendAll(callers: Caller[], requests: readonly Sent[]): Promise<ObservedResponse[]> {
  const answers: ObservedResponse[] = [];
  const rest = requests.entries();
  const work = async (caller: Caller) => {
    for (const [index, request] of rest) answers[index] = await caller.send(request);
  };
  await Promise.all(callers.map(work));
  return answers;
}

/** The contract knows paths, and no absolute form. */
function targetForContract(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, "");
}
