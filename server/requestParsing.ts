/** Reads media type, parameters, headers and body of a request before they are validated. */
import type { IncomingMessage } from "node:http";
import { MIMEType } from "node:util";
import { findMessage, type Operation, type Parameter } from "./contract.ts";
import { ApiError, ClientGoneError } from "./errors.ts";
import { type Exchange, expectsContinue, type Handler } from "./exchange.ts";
import { splitTarget } from "./targets.ts";

/**
 * Reads everything before the body. Responds 415 for a wrong media type, 413 for a declared length that is too large,
 * and 400 for an invalid path, query or header.
 */
export function readParameters(operation: Operation): Handler {
  const readHeaders = createHeaderReader(operation);
  return (request, response, next) => {
    const { exchange } = response.locals;
    if (operation.maxBodyBytes !== undefined) {
      requireJson(request);
      requireLength(request, operation.maxBodyBytes);
    }
    if (exchange.isMalformed) throw new ApiError(400, "Malformed request.");
    exchange.path = request.params;
    exchange.query = parseQuery(operation, splitTarget(request.url).query);
    exchange.requestHeaders = readHeaders(request);
    next();
  };
}

/** Reads and parses the body. Responds 413 if it is too large, and 400 if it is not a JSON object. */
export function readBody(maxBytes: number): Handler {
  return async (_request, response, next) => {
    const { exchange } = response.locals;
    // The server's request timeout limits how long the client may take.
    exchange.deadline.stop();
    exchange.rawBody = await receiveBody(exchange, maxBytes);
    exchange.deadline.start();
    if (exchange.rawBody.length > largeBodyBytes) {
      await takeTurn(exchange.key?.companyId ?? "");
      if (exchange.isOver) return;
    }
    exchange.body = parseJsonObject(exchange.rawBody);
    next();
  };
}

/** Bodies longer than this are parsed one at a time: parsing and validating 64 KiB takes up to 5 ms. */
const largeBodyBytes = 8_192;

/** The large bodies of a company that are waiting to be parsed. */
interface WaitingBodies {
  companyId: string;
  parse: (() => void)[];
}

/** One entry for each company with waiting bodies, in the order of their turns. */
const waitingBodies: WaitingBodies[] = [];

/** Resolves when a large body may be parsed: one per iteration of the event loop, in rotation among companies. */
function takeTurn(companyId: string): Promise<void> {
  return new Promise((resolve) => {
    if (waitingBodies.length === 0) setImmediate(giveTurn);
    const waiting = waitingBodies.find((bodies) => bodies.companyId === companyId);
    if (waiting) waiting.parse.push(resolve);
    else waitingBodies.push({ companyId, parse: [resolve] });
  });
}

function giveTurn(): void {
  // This is only called while bodies are waiting, and each listed company has one.
  const bodies = waitingBodies.shift() as WaitingBodies;
  const parse = bodies.parse.shift() as () => void;
  parse();
  if (bodies.parse.length > 0) waitingBodies.push(bodies);
  if (waitingBodies.length > 0) setImmediate(giveTurn);
}

/**
 * Reads the header parameters of the operation, by their names in the contract.
 * @throws {ApiError} 400 when one does not match its pattern
 */
function createHeaderReader(operation: Operation): (request: IncomingMessage) => Record<string, string> {
  const known = operation.headers.map((header) => ({ ...header, nodeName: header.name.toLowerCase() }));
  return (request) => {
    const headers: Record<string, string> = {};
    for (const { name, nodeName, schema, pattern } of known) {
      const value = request.headers[nodeName];
      if (value === undefined) continue;
      if (pattern && !pattern.test(String(value)))
        throw new ApiError(400, findMessage(schema, ["pattern"]), { field: name });
      headers[name] = String(value);
    }
    return headers;
  };
}

/**
 * Parses the parameters of a query, by name. Empty values are ignored if the contract allows them.
 * @throws {ApiError} 400 for undecodable bytes, an unknown or repeated parameter, and a value that does not
 *   match its `x-lexical-pattern`
 */
function parseQuery(operation: Operation, query: string): Record<string, string> {
  const values: Record<string, string> = {};
  if (query === "") return values;
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const mark = pair.indexOf("=");
      const [name, value] = mark < 0 ? [pair, ""] : [pair.slice(0, mark), pair.slice(mark + 1)];
      return [decode(name.replaceAll("+", " ")), decode(value.replaceAll("+", " "))] as const;
    });

  const unknown = pairs.find(([name]) => !operation.query.has(name));
  if (unknown) throw new ApiError(400, "Unknown query parameter.", { field: unknown[0] });
  const repeated = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) < index);
  if (repeated) throw new ApiError(400, "Query parameter was given more than once.", { field: repeated[0] });

  for (const [name, value] of pairs) {
    const { schema, allowEmptyValue, pattern } = operation.query.get(name) as Parameter;
    if (value === "" && allowEmptyValue) continue;
    if (pattern && !pattern.test(value)) throw new ApiError(400, findMessage(schema, []), { field: name });
    const bounds = schema["x-clamp"];
    values[name] = bounds ? String(Math.min(Math.max(Number(value), bounds.minimum), bounds.maximum)) : value;
  }
  return values;
}

function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, "Malformed request.");
  }
}

/**
 * Accepts only JSON in UTF-8; media types are compared as in RFC 9110, section 8.3.
 * @throws {ApiError} 415
 */
function requireJson(request: IncomingMessage): void {
  const { "content-type": contentType = "", "content-encoding": encoding = "" } = request.headers;
  if (contentType === "application/json" && encoding === "") return;
  const type = parseMediaType(contentType);
  const charset = type?.params.get("charset") ?? "utf-8";
  if (type?.essence !== "application/json" || charset.toLowerCase() !== "utf-8" || encoding !== "") {
    throw new ApiError(415, "Content-Type must be application/json.");
  }
}

/** Parses a media type. Returns undefined for any other text. */
function parseMediaType(text: string): MIMEType | undefined {
  try {
    return new MIMEType(text);
  } catch {
    // It is not a media type.
  }
}

/**
 * Rejects a body whose declared length is too large, before any of it is read.
 * @throws {ApiError} 413
 */
function requireLength(request: IncomingMessage, maxBytes: number): void {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes)
    throw new ApiError(413, "Request body is too large.");
}

/**
 * Receives the bytes of the body. Sends `100 Continue` to a client that waits for it.
 * @throws {ApiError} 413 when there are more than `maxBytes`
 * @throws {ClientGoneError} when the client closes the connection first, or the response has already been sent
 * @throws {Error} when the application that mounts the API has already read the body
 */
function receiveBody({ request, response, isOver }: Exchange, maxBytes: number): Promise<Buffer> {
  if (isOver) return Promise.reject(new ClientGoneError());
  if (request.readableDidRead)
    return Promise.reject(
      new Error("The body was already read: mount the API before body parsers such as express.json()"),
    );
  // With `optimizeEmptyRequests`, a request that declares no body has already ended.
  if (request.readableEnded) return Promise.resolve(Buffer.alloc(0));
  // A destroyed request emits no more events.
  if (request.destroyed) return Promise.reject(new ClientGoneError());
  if (expectsContinue(request)) response.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      // The rest is received but not kept, so that the client reads the response.
      if (bytes <= maxBytes) chunks.push(chunk);
      else reject(new ApiError(413, "Request body is too large."));
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    // When the client disconnects, a request without an error listener emits only `close`, which also follows a complete
    // body.
    request.on("close", () => request.complete || reject(new ClientGoneError()));
  });
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses the JSON object in a body. A byte order mark is ignored; the last value of a repeated name is used.
 * @throws {ApiError} 400 when it is not UTF-8, not JSON or not an object
 */
function parseJsonObject(body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    // The value stays undefined, which is not an object.
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new ApiError(400, "Invalid JSON body.");
  return value as Record<string, unknown>;
}
