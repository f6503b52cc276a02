/** Words for which HTTP and this project have a standard term, unambiguous enough to be rejected wherever they appear. */
const avoided: [word: RegExp, term: string][] = [
  [/\banswer(s|ed|ing|able)?\b/i, "response, respond"],
  [/\bera\b/i, "time bucket"],
  [/(?<!n-)\bgrams?\b/i, "n-gram, trigram"],
  [/\blaps(e|es|ed|ing)\b/i, "expire"],
  [/\bpatience\b/i, "timeout"],
  [/\brefus\w*\b/i, "reject"],
  [/\bwho(so)?ever\b/i, "the noun itself"],
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
