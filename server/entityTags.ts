/** Entity tags of conditional requests (RFC 9110, sections 8.8.3 and 13.1). */

/** The tags in If-Match or If-None-Match, exactly as sent; `*` matches any. */
export type EntityTags = "*" | string[];

/** Parses the tags in a header. Anything that is not an entity tag is ignored, so it matches nothing. */
export function parseEntityTags(header: string): EntityTags {
  if (header === "*") return "*";
  // Tags are delimited by commas or spaces: `w/"x"` is not a weak tag, and its `"x"` must not count as a strong one.
  return header.match(/(?<![^\s,])(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?![^\s,])/g) ?? [];
}

/** Weak comparison: whether one of the tags is this strong tag or its weak form. */
export function matchesTag(tags: EntityTags, strongTag: string): boolean {
  return tags === "*" || tags.some((tag) => tag === strongTag || tag === `W/${strongTag}`);
}
