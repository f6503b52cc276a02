import { closestMatch } from "leven";
import { variables } from "./variables.ts";

/** How many letters may be wrong. */
const maxDistance = 2;

/** Shorter names resemble too many others, as `HOME` resembles `HOST`. */
const minLength = 8;

/**
 * Finds environment variables that are probably misspelled names of the server's. Returns a text for each, without its
 * value.
 */
export function findMisspelledVariables(environment: NodeJS.ProcessEnv): string[] {
  const ours = [...Object.keys(variables), "NODE_ENV"];
  const longNames = ours.filter((name) => name.length >= minLength);
  return Object.keys(environment).flatMap((name) => {
    if (ours.includes(name)) return [];
    const meant = closestMatch(name, longNames, { maxDistance });
    return meant === undefined ? [] : [`${name} (did you mean ${meant}?)`];
  });
}
