/** Entity tags of conditional requests, RFC 9110 sections 8.8.3 and 13.1. */

/** What If-Match or If-None-Match lists, each tag as it was sent; `*` means any. */
export type EntityTags = "*" | string[];

/** The tags of a header. What is not an entity tag is ignored, and so matches nothing. */
export function parseEntityTags(header: string): EntityTags {
  if (header === "*") return "*";
  // A tag stands alone between commas: `w/"x"` is no weak tag, and must not pass for the strong one.
  return header.match(/(?<![^\s,])(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?![^\s,])/g) ?? [];
}

/** Weak comparison: whether one of them is this strong tag, or its weak form. */
export function matchesTag(tags: EntityTags, strongTag: string): boolean {
  return tags === "*" || tags.some((tag) => tag === strongTag || tag === `W/${strongTag}`);
}
