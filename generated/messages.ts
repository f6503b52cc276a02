// Generated from openapi/openapi.yaml by `npm run generate`. Do not edit.

/** The error messages of each operation, by status. */
export interface Messages {
  listCustomers: {
    400: "Malformed request." | "Unknown query parameter." | "Query parameter was given more than once." | "Limit must be an integer." | "Invalid cursor." | "Invalid status." | "Invalid email address." | "Search must be at most 200 characters.";
    401: "Missing or malformed Authorization header. Use: Bearer <api_key>" | "This API key is invalid, expired or revoked.";
    403: "This API key lacks the customers:read scope.";
    429: "Rate limit exceeded.";
    500: "Internal server error.";
    503: "Service temporarily unavailable.";
  };
  createCustomer: {
    400: "Malformed request." | "Unknown query parameter." | "Invalid Idempotency-Key." | "Invalid JSON body." | "Email is required." | "Invalid email address." | "Name must be between 1 and 200 characters." | "Notes must be at most 2000 characters." | "Credit limit must be between 0 and 100000000." | "Tax rate override must be between 0 and 0.3." | "Invalid status." | "Unknown field.";
    401: "Missing or malformed Authorization header. Use: Bearer <api_key>" | "This API key is invalid, expired or revoked.";
    403: "This API key lacks the customers:write scope.";
    409: "A customer with this email already exists.";
    413: "Request body is too large.";
    415: "Content-Type must be application/json.";
    422: "This Idempotency-Key was used with a different request.";
    429: "Rate limit exceeded.";
    500: "Internal server error.";
    503: "Service temporarily unavailable.";
  };
  getCustomer: {
    400: "Malformed request." | "Unknown query parameter.";
    401: "Missing or malformed Authorization header. Use: Bearer <api_key>" | "This API key is invalid, expired or revoked.";
    403: "This API key lacks the customers:read scope.";
    404: "Customer not found.";
    429: "Rate limit exceeded.";
    500: "Internal server error.";
    503: "Service temporarily unavailable.";
  };
  updateCustomer: {
    400: "Malformed request." | "Unknown query parameter." | "Invalid JSON body." | "Email cannot be changed." | "Name must be between 1 and 200 characters." | "Notes must be at most 2000 characters." | "Credit limit must be between 0 and 100000000." | "Tax rate override must be between 0 and 0.3." | "Invalid status." | "Unknown field.";
    401: "Missing or malformed Authorization header. Use: Bearer <api_key>" | "This API key is invalid, expired or revoked.";
    403: "This API key lacks the customers:write scope.";
    404: "Customer not found.";
    412: "Customer has changed since it was read.";
    413: "Request body is too large.";
    415: "Content-Type must be application/json.";
    429: "Rate limit exceeded.";
    500: "Internal server error.";
    503: "Service temporarily unavailable.";
  };
}

/** The error messages that any request may cause before its operation is known, by status. */
export interface AnyRequestMessages {
  400: "Malformed request.";
  404: "Not found.";
  405: "Method not allowed.";
  408: "Request timed out.";
  431: "Request headers are too large.";
  503: "Service temporarily unavailable.";
}

/** The parameters and fields of each operation that have a default: they are present after validation. */
export interface Defaulted {
  listCustomers: { query: "limit"; body: never };
  createCustomer: { query: never; body: "status" };
  getCustomer: { query: never; body: never };
  updateCustomer: { query: never; body: never };
}

/** The scopes that an API key can have. */
export type Scope = "customers:read" | "customers:write";
