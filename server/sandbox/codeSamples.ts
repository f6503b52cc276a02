/** Formats a request as code in four languages. The browser also loads this file, so it imports nothing. */

/** A request to the API. In a path, a header or a body, `<0 x 255>` stands for 255 zeros. */
export interface SampleRequest {
  method: string;
  /** Below `/api/v1`, with its query, percent-encoded. */
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** How many times it is sent; the expected response is the last one. */
  times?: number;
}

/** The languages, by their displayed names. */
export const languages = ["curl", "TypeScript", "Python", "PHP"] as const;
export type Language = (typeof languages)[number];

const zeros = /<0 x (\d+)>/;

/** Replaces placeholders such as `<0 x 255>` with the text that is sent. */
export function expandZeros(text: string): string {
  return text.replace(zeros, (_, count) => "0".repeat(Number(count)));
}

/**
 * Formats a request as code that can be pasted and run.
 * @param api the URL of the API, with `/api/v1`
 */
export function formatRequest(language: Language, api: string, request: SampleRequest): string {
  return formats[language](`${api}${request.path}`, request);
}

const formats: Record<Language, (url: string, request: SampleRequest) => string> = {
  curl(url, { method, headers, body, times = 1 }) {
    const isImplied = method === (body === undefined ? "GET" : "POST");
    const command = [
      `curl -i${isImplied ? "" : ` -X ${method}`}`,
      ...Object.entries(headers).map(([name, value]) => `-H ${quoteShell(`${name}: ${value}`)}`),
      quoteShell(url),
      ...(body === undefined ? [] : [`-d ${quoteShell(body)}`]),
    ].join(" \\\n  ");
    return times === 1 ? command : `for i in $(seq ${times}); do\n${indent(command, 2)}\ndone`;
  },

  TypeScript(url, { method, headers, body, times = 1 }) {
    const fields = Object.entries(headers).map(
      ([name, value]) => `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${quoteScript(value)},`,
    );
    const options = [
      `method: ${JSON.stringify(method)},`,
      ...(fields.length > 0 ? [`headers: {\n${indent(fields.join("\n"), 2)}\n},`] : []),
      ...(body === undefined ? [] : [`body: ${quoteScript(body)},`]),
    ];
    const call = `const response = await fetch(${quoteScript(url)}, {\n${indent(options.join("\n"), 2)}\n});
console.log(response.status, await response.text());`;
    return times === 1
      ? call
      : `for (let request = 1; request <= ${times}; request++) {\n${indent(call, 2)}\n}`;
  },

  Python(url, { method, headers, body, times = 1 }) {
    const fields = Object.entries(headers).map(
      ([name, value]) => `${JSON.stringify(name)}: ${quotePython(value)},`,
    );
    const options = [
      `${JSON.stringify(method)},`,
      `${quotePython(url)},`,
      ...(fields.length > 0 ? [`headers={\n${indent(fields.join("\n"), 4)}\n},`] : []),
      ...(body === undefined ? [] : [`data=${quotePython(body)},`]),
      "timeout=15,",
    ];
    const call = `response = requests.request(\n${indent(options.join("\n"), 4)}\n)
print(response.status_code, response.text)`;
    const code = times === 1 ? call : `for _ in range(${times}):\n${indent(call, 4)}`;
    return `import requests\n\n${code}`;
  },

  PHP(url, { method, headers, body, times = 1 }) {
    const fields = Object.entries(headers).map(([name, value]) => `${quotePhp(`${name}: ${value}`)},`);
    const options = [
      "CURLOPT_RETURNTRANSFER => true,",
      `CURLOPT_CUSTOMREQUEST => ${quotePhp(method)},`,
      ...(fields.length > 0 ? [`CURLOPT_HTTPHEADER => [\n${indent(fields.join("\n"), 4)}\n],`] : []),
      ...(body === undefined ? [] : [`CURLOPT_POSTFIELDS => ${quotePhp(body)},`]),
    ];
    const call = `$curl = curl_init(${quotePhp(url)});
curl_setopt_array($curl, [\n${indent(options.join("\n"), 4)}\n]);
$body = curl_exec($curl);
echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), " ", $body, "\\n";`;
    const code =
      times === 1 ? call : `for ($request = 1; $request <= ${times}; $request++) {\n${indent(call, 4)}\n}`;
    return `<?php\n${code}`;
  },
};

function indent(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, " ".repeat(spaces));
}

function quoteShell(text: string): string {
  if (!zeros.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const escaped = text.replaceAll(/[\\"$`]/g, "\\$&");
  return `"${escaped.replace(zeros, (_, count) => `$(printf '%0${count}d' 0)`)}"`;
}

/** Formats a string as a concatenation of literals and repeated zeros, without empty literals. */
function concatenate(
  text: string,
  operator: string,
  quote: (literal: string) => string,
  repeat: (count: string) => string,
): string {
  const [before = "", count, after = ""] = text.split(zeros);
  if (count === undefined) return quote(text);
  return [before && quote(before), repeat(count), after && quote(after)]
    .filter((part) => part !== "")
    .join(` ${operator} `);
}

function quoteScript(text: string): string {
  return concatenate(text, "+", JSON.stringify, (count) => `"0".repeat(${count})`);
}

/** JSON string literals are valid in Python. */
function quotePython(text: string): string {
  return concatenate(text, "+", JSON.stringify, (count) => `"0" * ${count}`);
}

function quotePhp(text: string): string {
  const quote = (literal: string) => `'${literal.replaceAll(/[\\']/g, "\\$&")}'`;
  return concatenate(text, ".", quote, (count) => `str_repeat('0', ${count})`);
}
