import type { CheckedFetch } from "./checkedFetch.ts";

/** A response, with its body parsed if it is JSON. */
export interface ParsedResponse {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the contract check has compared it with its schema
  body: any;
}

/** A client with a key, for requests that would not compile with the typed client. */
export interface Partner {
  key: string;
  company: string;
  /**
   * Sends a request to a path below `/api/v1`. A string or bytes are sent as they are, any other body as
   * JSON; `headers` replace those of the key and the body.
   */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<ParsedResponse>;
}

/** @param url of the server, without `/api/v1` */
export function createPartner(
  url: string,
  fetch: CheckedFetch,
  { key, company }: { key: string; company: string },
): Partner {
  return {
    key,
    company,
    async send(method, path, body, headers = {}) {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        redirect: "manual",
        headers: {
          Authorization: `Bearer ${key}`,
          ...(body !== undefined && { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && {
          body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
        }),
      } as RequestInit);
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: text === "" ? undefined : JSON.parse(text),
      };
    },
  };
}
