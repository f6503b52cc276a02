/** The contract's own check of a new customer, for the rows of a file. */
import { operations } from "../../contract.ts";
import type { Call } from "../../operations.ts";
import { compileBodyCheck } from "../../violations.ts";
import type { CsvColumn } from "../csv.ts";

type Body = Call<"createCustomer">["body"];

/** A row that has passed. Without a status, a customer that exists keeps what it has. */
export type CheckedRow = Omit<Body, "status"> & { status?: Body["status"] };

/** What of a field's schema the cells of its column need. */
interface FieldSchema {
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
}

const operation = operations.find(({ operationId }) => operationId === "createCustomer");
if (!operation?.bodySchema?.properties) throw new Error("The contract has no body of createCustomer");

// The contract's schema, compiled once: no row goes through the middlewares of a request.
const findError = compileBodyCheck(operation);

/** The fields of a new customer, in the contract's order. */
export const fields = operation.bodySchema.properties as Record<CsvColumn, object & FieldSchema>;

/** The status of a new customer whose row has none. */
export const defaultStatus = fields.status.default as Body["status"];

/** The contract's error message for each wrong field of a row, in the contract's order; none, where it is valid. */
export function findErrors(row: Record<string, unknown>): Map<string, string> {
  const errors = new Map<string, string>();
  const corrected = { ...row };
  for (let error = findError(row); error; error = findError(corrected)) {
    const { field = "" } = error.details;
    // One error at a time, so a valid value takes its place.
    if (field === "" || errors.has(field)) throw error;
    errors.set(field, error.message);
    if (field === "email") corrected.email = "anna@shop.example";
    else delete corrected[field];
  }
  return errors;
}
