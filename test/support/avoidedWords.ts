/** Words for which HTTP and this project have a standard term, unambiguous enough to be rejected wherever they appear. */
const avoided: [word: RegExp, term: string][] = [
  // Within identifiers too.
  [/answer/i, "response, respond"],
  [/\bask(s|ed|ing)?\b/i, "request, query"],
  [/\bera\b/i, "time bucket"],
  [/(?<!n-)\bgrams?\b/i, "n-gram, trigram"],
  [/\bjudg(e|ed|ing)\b/i, "validate"],
  [/\blaps(e|es|ed|ing)\b/i, "expire"],
  [/\bpatience\b/i, "timeout"],
  [/(?<!conn)refus(e|al|ing)/i, "reject"],
  [/\bwalk(s|ed|ing)?\b/i, "iterate, paginate"],
  [/\bwho(so)?ever\b/i, "the noun itself"],
  [/\b(try|tries|tried|trying) again\b/i, "retry"],
  [/\bat the start\b(?! of)/i, "at startup"],
  [/\bas the contract says\b/i, "conforms to the contract"],
  [/\bversion before\b/i, "the previous release"],
];

/** Returns one line for each avoided word of a text: the line, the word, and the term to use instead. */
export function findAvoidedWords(text: string): string[] {
  return text.split("\n").flatMap((line, index) =>
    avoided.flatMap(([word, term]) => {
      const [found] = word.exec(line) ?? [];
      return found === undefined ? [] : [`line ${index + 1}: "${found}": ${term}`];
    }),
  );
}
