/** The client: openapi-fetch on the types of the contract. */
import createClient, { type Client, type ClientOptions } from "openapi-fetch";
import type { paths } from "../generated/api.ts";

export interface CustomersClientOptions extends Omit<ClientOptions, "baseUrl"> {
  /** Where the API is, as in `https://distribu.app/api/v1`. */
  baseUrl: string;
  /** `dk_` and 43 characters. */
  apiKey: string;
}

/** Every operation of the contract, typed: `client.GET("/customers/{id}", ...)`. */
export type CustomersClient = Client<paths>;

/** A client for one API key. */
export function createCustomersClient({
  apiKey,
  headers,
  ...options
}: CustomersClientOptions): CustomersClient {
  return createClient<paths>({
    ...options,
    headers: { ...(headers as object), Authorization: `Bearer ${apiKey}` },
  });
}
