/** Validates the rows of a file against the contract's schema for a new customer. */
import { operations } from "../../contract.ts";
import type { Call } from "../../operations.ts";
import { compileBodyCheck } from "../../violations.ts";
import type { CsvColumn } from "../csv.ts";

type Body = Call<"createCustomer">["body"];

/** A valid row. Without a status, an existing customer keeps its status. */
export type CheckedRow = Omit<Body, "status"> & { status?: Body["status"] };

/** The parts of a field's schema that are needed to parse its cells. */
interface FieldSchema {
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
}

const operation = operations.find(({ operationId }) => operationId === "createCustomer");
if (!operation?.bodySchema?.properties) throw new Error("The contract has no body of createCustomer");

// The contract's schema, compiled once: rows do not pass through the middlewares of a request.
const findError = compileBodyCheck(operation);

/** The fields of a new customer, in the contract's order. */
export const fields = operation.bodySchema.properties as Record<CsvColumn, object & FieldSchema>;

/** The status of a new customer whose row has none. */
export const defaultStatus = fields.status.default as Body["status"];

/** Returns the contract's error message for each invalid field of a row, in the contract's order. */
export function findErrors(row: Record<string, unknown>): Map<string, string> {
  const errors = new Map<string, string>();
  const corrected = { ...row };
  for (let error = findError(row); error; error = findError(corrected)) {
    const { field = "" } = error.details;
    // The check reports one error at a time, so a valid value replaces the invalid one.
    if (field === "" || errors.has(field)) throw error;
    errors.set(field, error.message);
    if (field === "email") corrected.email = "anna@shop.example";
    else delete corrected[field];
  }
  return errors;
}
