/** Request targets: path and query, still encoded. */

/**
 * A request target in origin form. RFC 9112, section 3.2.2: a server accepts the absolute form too. A target
 * without a path, such as that of CONNECT, becomes an unknown path.
 */
export function toOriginForm(target: string): string {
  const origin = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?#]*/i, "");
  return origin.startsWith("/") ? origin : `/${origin}`;
}

/** Path and query of a request target in origin form. */
export function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Whether text is percent-encoded UTF-8. */
export function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
