/** Path templates of the contract, such as `/customers/{id}`: the order in which a router tries them. */

/**
 * Sorts templates so that a literal segment comes before a parameter in the same position: if two templates match the
 * same path, the one with the literal at their first difference comes first.
 */
export function orderTemplates(templates: string[]): string[] {
  const rank = (template: string) =>
    template
      .split("/")
      .map((segment) => (isParameter(segment) ? "1" : "0"))
      .join("");
  return templates.toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

/**
 * Finds pairs of templates that can match the same path although neither is more literal, so that the operation of a
 * request would depend on their order. Returns a sentence for each pair.
 */
export function findAmbiguousTemplates(templates: string[]): string[] {
  return templates.flatMap((template, index) =>
    templates
      .slice(index + 1)
      .filter((other) => areAmbiguous(template.split("/"), other.split("/")))
      .map((other) => `${template} and ${other} match the same paths, and neither is more literal`),
  );
}

function areAmbiguous(one: string[], other: string[]): boolean {
  const overlap =
    one.length === other.length &&
    one.every(
      (segment, index) => segment === other[index] || isParameter(segment) || isParameter(other[index]),
    );
  const isMoreLiteral = (these: string[], those: string[]) =>
    these.some((segment, index) => !isParameter(segment) && isParameter(those[index]));
  return overlap && isMoreLiteral(one, other) === isMoreLiteral(other, one);
}

function isParameter(segment = ""): boolean {
  return segment.includes("{");
}
