/** Parses request targets: path and query, still percent-encoded. */

/**
 * Converts a request target to origin form: a server must also accept the absolute form (RFC 9112, section 3.2.2). A
 * target without a path, such as that of CONNECT, becomes an unknown path.
 */
export function toOriginForm(target: string): string {
  const origin = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?#]*/i, "");
  return origin.startsWith("/") ? origin : `/${origin}`;
}

/** Splits a request target in origin form into path and query. */
export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Whether text is validly percent-encoded UTF-8. */
export function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
