import type http from "node:http";

/**
 * Whether every proxy must have parsed the same request: it has at most one Host (RFC 9112, section 3.2), and no transfer
 * coding other than `chunked`, which does not exist in HTTP/1.0 (section 6.1). Node accepts other forms, and a proxy that
 * parses them differently would treat part of the body as the next request.
 */
export function isUnambiguous({ headers, httpVersion, rawHeaders }: http.IncomingMessage): boolean {
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (coding.toLowerCase() !== "chunked" || httpVersion === "1.0")) return false;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts <= 1;
}
