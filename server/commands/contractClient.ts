/** A client for contract tests: sends valid requests or variations of them, and checks every response. */
import { randomUUID } from "node:crypto";
import { createCheckedFetch, formatReport } from "../checkedFetch.ts";
import { basePath, type Operation, operations } from "../contract.ts";
import {
  findDescribedResponse,
  findOperation,
  findResponses,
  type ObservedResponse,
} from "../contractCheck.ts";
import type { OperationId } from "../operations.ts";

/** How a request differs from a valid one. */
export interface Variation {
  /** `HEAD` instead of GET. */
  method?: "HEAD";
  /** By default an ID that no customer has. */
  id?: string;
  query?: string;
  /** Fields to add to the body of a valid request, or to replace in it. */
  fields?: Record<string, unknown>;
  /** The whole body. */
  body?: string;
  headers?: Record<string, string>;
  /** Another key, or none. */
  key?: string | null;
}

/** A client with a key. Its calls reject if a response differs from the contract. */
export interface ContractClient {
  /** Sends a request; the path is below `/api/v1`. */
  send(method: string, path: string, variation?: Variation): Promise<ObservedResponse>;
  /** Calls an operation with a valid request, or with a variation of one. */
  call(id: OperationId, variation?: Variation): Promise<ObservedResponse>;
  /** Whether it sends only GET, HEAD and OPTIONS. */
  isReadOnly: boolean;
  /** Creates a customer. */
  create(): Promise<FoundCustomer>;
  /**
   * Returns a customer to read: a new one or, if the client is read-only, the newest of the company.
   * @throws {SkippedError} if the company has none
   */
  find(): Promise<FoundCustomer>;
}

/** The parts of a customer that requests need. */
interface FoundCustomer {
  id: string;
  email: string;
  entityTag: string;
}

/** The response cannot be provoked without writing, because the company lacks the customers for it. */
export class SkippedError extends Error {}

/** A valid ID with a time before that of any customer. */
const unusedId = "00000000-0000-7000-8000-000000000000";

/** How long a deployment may take to respond. */
const timeoutInMilliseconds = 30_000;

/**
 * @param options the URL without `/api/v1`; `onReceived` is called with the time of every response, in milliseconds
 */
export function createContractClient({
  isReadOnly = false,
  ...options
}: {
  url: string;
  key: string;
  strictHeaders?: boolean;
  isReadOnly?: boolean;
  onReceived?: (milliseconds: number) => void;
}): ContractClient {
  const self: ContractClient = {
    isReadOnly,
    async send(method, path, { key = options.key, headers, body } = {}) {
      if (isReadOnly && !["GET", "HEAD", "OPTIONS"].includes(method))
        throw new Error(`${method} would not be read-only`);
      const responses: ObservedResponse[] = [];
      const checkedFetch = createCheckedFetch({
        ...options,
        onResponse: (response) => responses.push(response),
      });
      await checkedFetch(options.url + basePath + path, {
        method,
        headers: { ...(key !== null && { Authorization: `Bearer ${key}` }), ...headers },
        ...(body !== undefined && { body }),
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutInMilliseconds),
      });
      return responses[0] as ObservedResponse;
    },
    call(operationId, { id = unusedId, query = "", fields, ...variation } = {}) {
      const operation = getOperation(operationId);
      const path = operation.template.replace("{id}", id) + query;
      const body = operationId === "createCustomer" ? { email: createEmail(), ...fields } : { ...fields };
      return self.send(variation.method ?? operation.method, path, {
        ...(operation.bodySchema && { body: JSON.stringify(body) }),
        ...variation,
        headers: {
          ...(operation.bodySchema && { "Content-Type": "application/json" }),
          ...variation.headers,
        },
      });
    },
    async create() {
      const response = confirmResponse("createCustomer 201", await self.call("createCustomer"));
      const { id, email } = JSON.parse(response.body).data;
      return { id, email, entityTag: String(response.headers.etag) };
    },
    async find() {
      if (!isReadOnly) return self.create();
      const page = confirmResponse(
        "listCustomers 200",
        await self.call("listCustomers", { query: "?limit=1" }),
      );
      const [customer] = JSON.parse(page.body).data;
      if (!customer) throw new SkippedError("The company has no customer.");
      const response = confirmResponse("getCustomer 200", await self.call("getCustomer", customer));
      return { ...customer, entityTag: String(response.headers.etag) };
    },
  };
  return self;
}

/** Returns the operation of the contract with this operationId. */
export function getOperation(id: OperationId): Operation {
  return operations.find(({ operationId }) => operationId === id) as Operation;
}

/** Returns an email that no customer has. */
export function createEmail(): string {
  return `contract-${randomUUID()}@contract.example`;
}

/** Returns the name, a `ResponseName`, of a response that conforms to the contract. */
export function nameResponse(response: ObservedResponse): string {
  const operation = findOperation(response);
  const hasStatus = operation && response.status in findResponses(operation);
  const message = response.status >= 400 && response.body !== "" ? [JSON.parse(response.body).error] : [];
  return [hasStatus ? operation.operationId : "any", response.status, ...message].join(" ");
}

/**
 * Returns the response if it has the expected name, and the same `field` as the example of its error message.
 * @param name the expected name, optionally followed by a remark in parentheses
 * @throws {Error} with a report of the difference
 */
export function confirmResponse(name: string, response: ObservedResponse): ObservedResponse {
  const expected = name.replace(/ \([^()]*\)$/, "");
  const actual = nameResponse(response);
  if (actual !== expected)
    throw new Error(formatReport(response, [{ where: "response", contract: expected, response: actual }]));
  if (response.status < 400 || response.body === "") return response;
  const { error, field = "absent" } = JSON.parse(response.body);
  const examples: { value: { error: string; field?: string } }[] = Object.values(
    findDescribedResponse(response).content["application/json"].examples,
  );
  const exampleField = examples.find(({ value }) => value.error === error)?.value.field ?? "absent";
  if (field !== exampleField)
    throw new Error(
      formatReport(response, [{ where: "body/field", contract: exampleField, response: field }]),
    );
  return response;
}
