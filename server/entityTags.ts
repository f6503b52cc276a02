/** Entity tags of conditional requests, RFC 9110 sections 8.8.3 and 13.1. */

/** What If-Match or If-None-Match lists, each tag as it was sent; `*` means any. */
export type EntityTags = "*" | string[];

/** The tags of a header. What is not an entity tag is passed over, and so matches nothing. */
export function entityTagsOf(header: string): EntityTags {
  return header.trim() === "*" ? "*" : (header.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []);
}

/** Weak comparison: whether one of them is this strong tag, or its weak form. */
export function matchesWeakly(tags: EntityTags, strongTag: string): boolean {
  return tags === "*" || tags.some((tag) => tag === strongTag || tag === `W/${strongTag}`);
}
