/** The samples of each operation: one for each language and each example of the request body. */
import { readFileSync } from "node:fs";
import { type Part, resolve } from "../contractFile.ts";

/** How to write a value in a language. */
interface Notation {
  label: string;
  /** The name by which Redoc knows it. */
  lang: string;
  write(value: unknown): string;
}

/** The languages, by file extension. */
export const languages = {
  sh: { label: "curl", lang: "bash", write: (value) => `'${writeJson(value).replaceAll("'", "'\\''")}'` },
  ts: {
    label: "TypeScript",
    lang: "typescript",
    write: writeObject(["{ ", " }"], (name) => `${name}: `, JSON.stringify),
  },
  py: {
    label: "Python",
    lang: "python",
    write: writeObject(
      ["{", "}"],
      (name) => `"${name}": `,
      (value) => ({ null: "None", true: "True", false: "False" })[String(value)] ?? JSON.stringify(value),
    ),
  },
  php: {
    label: "PHP",
    lang: "php",
    write: writeObject(
      ["[", "]"],
      (name) => `'${name}' => `,
      (value) => (typeof value === "string" ? `'${value.replaceAll(/['\\]/g, "\\$&")}'` : String(value)),
    ),
  },
} satisfies Record<string, Notation>;

/** A sample as it is shown and run. `example` is the name of the example in its request body, if it has one. */
export interface Sample {
  operationId: string;
  language: keyof typeof languages;
  example: string | undefined;
  source: string;
}

/** Lists the samples of an operation: the files in samples/, with each example of its body in place of BODY. */
export function listSamples(contract: Part, operation: Part): Sample[] {
  const { operationId, requestBody } = operation;
  const examples = Object.entries<Part>(requestBody?.content["application/json"].examples ?? { "": {} });
  return (Object.keys(languages) as (keyof typeof languages)[]).flatMap((language) => {
    const file = readFileSync(new URL(`../samples/${operationId}.${language}`, import.meta.url), "utf8");
    return examples.map(([name, example]) => ({
      operationId,
      language,
      example: name || undefined,
      source: file
        .replace("BODY", () => languages[language].write(resolve(contract, example).value))
        .trimEnd(),
    }));
  });
}

function writeJson(value: unknown): string {
  return writeObject(["{", "}"], (name) => `"${name}": `, JSON.stringify)(value);
}

/** Returns a function that writes a flat object, on one line if it fits. */
function writeObject(
  [open, close]: [string, string],
  writeName: (name: string) => string,
  writeValue: (value: unknown) => string,
): (value: unknown) => string {
  return (value) => {
    const fields = Object.entries(value as object).map(
      ([name, field]) => writeName(name) + writeValue(field),
    );
    const line = `${open}${fields.join(", ")}${close}`;
    if (line.length <= 60) return line;
    return `${open.trim()}\n${fields.map((field) => `  ${field}`).join(",\n")}\n${close.trim()}`;
  };
}
