/** What a request says before the contract is asked: its target, its media type, its body. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { MIMEType } from "node:util";
import { messageOf, type Operation, type Parameter } from "./contract.ts";
import { ApiError, ClientGoneError } from "./errors.ts";

/**
 * A request target as one that begins with a slash. RFC 9112, section 3.2.2: a server accepts the
 * absolute form too. What has no path at all, such as that of CONNECT, becomes an unknown path.
 */
export function originForm(target: string): string {
  const origin = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?#]*/i, "");
  return origin.startsWith("/") ? origin : `/${origin}`;
}

/** Path and query of a request target in origin form, both still encoded. */
export function targetOf(url: string): { path: string; query: string } {
  const mark = url.indexOf("?");
  return mark < 0 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/**
 * The decoded parameters of a path.
 * @throws {ApiError} 400 on bytes that are no percent-encoded UTF-8
 */
export function decodePath(parameters: Record<string, string>): Record<string, string> {
  const decoded: Record<string, string> = {};
  for (const name in parameters) decoded[name] = decode(parameters[name] as string);
  return decoded;
}

/**
 * The headers that the contract gives the operation, by its names.
 * @throws {ApiError} 400 when one breaks its pattern
 */
export function headersOf(operation: Operation, request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, schema, pattern } of operation.headers) {
    const value = request.headers[name.toLowerCase()];
    if (value === undefined) continue;
    if (pattern && !pattern.test(String(value))) {
      throw new ApiError(400, messageOf(schema, ["pattern"]), { field: name });
    }
    headers[name] = String(value);
  }
  return headers;
}

/**
 * The parameters of a query, by name, without those that the contract lets be empty and that are.
 * @throws {ApiError} 400 on undecodable bytes, unknown and repeated parameters, and on numbers that
 *   are not written as the contract says
 */
export function decodeQuery(operation: Operation, query: string): Record<string, string> {
  const decoded: Record<string, string> = {};
  if (query === "") return decoded;
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
    if (pattern && !pattern.test(value)) throw new ApiError(400, messageOf(schema, []), { field: name });
    const bounds = schema["x-clamp"];
    decoded[name] = bounds
      ? String(Math.min(Math.max(Number(value), bounds.minimum), bounds.maximum))
      : value;
  }
  return decoded;
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
 * Lets pass only JSON in UTF-8, as RFC 9110, section 8.3 compares media types.
 * @throws {ApiError} 415
 */
export function requireJson(request: IncomingMessage): void {
  const { "content-type": contentType = "", "content-encoding": encoding = "" } = request.headers;
  if (contentType === "application/json" && encoding === "") return;
  const type = parseMediaType(contentType);
  const charset = type?.params.get("charset") ?? "utf-8";
  if (type?.essence !== "application/json" || charset.toLowerCase() !== "utf-8" || encoding !== "") {
    throw new ApiError(415, "Content-Type must be application/json.");
  }
}

function parseMediaType(text: string): MIMEType | undefined {
  try {
    return new MIMEType(text);
  } catch {
    return undefined;
  }
}

/**
 * Refuses a body that is declared too large, before any of it is read.
 * @throws {ApiError} 413
 */
export function requireLength(request: IncomingMessage, maxBytes: number): void {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes)
    throw new ApiError(413, "Request body is too large.");
}

/**
 * The bytes of the body. Tells a client that waits for `100 Continue` to send it.
 * @throws {ApiError} 413 when there are more than `maxBytes`
 * @throws {ClientGoneError} when the client ends the connection first, or the request has been answered
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): Promise<Buffer> {
  // Of these no event comes any more.
  if (request.destroyed || response.writableEnded) return Promise.reject(new ClientGoneError());
  if (expectsContinue(request)) response.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    function take(chunk: Buffer) {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > maxBytes) {
        request.off("data", take);
        // The rest is thrown away, so that the client gets to read its answer.
        request.resume();
        reject(new ApiError(413, "Request body is too large."));
      }
    }
    request.on("data", take);
    request.on("end", () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes)),
    );
    request.on("error", () => reject(new ClientGoneError()));
    request.on("close", () => reject(new ClientGoneError()));
  });
}

/**
 * Whether the client waits for `100 Continue` before it sends its body (RFC 9110, section 10.1.1).
 * HTTP/1.0 knows no 1xx, and its client would take one for the answer.
 */
export function expectsContinue(request: IncomingMessage): boolean {
  return request.httpVersion !== "1.0" && request.headers.expect?.toLowerCase() === "100-continue";
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The JSON object of a body. A byte order mark is ignored; of duplicate names the last counts.
 * @throws {ApiError} 400 when it is not UTF-8, not JSON or not an object
 */
export function parseJsonObject(body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    value = undefined;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new ApiError(400, "Invalid JSON body.");
  return value as Record<string, unknown>;
}
