/** The mutated files, which control data and access, each with the tests that must fail. */
export const testsByFile: Record<string, string[]> = {
  "server/apiKeys.ts": [
    "test/http/authorization.test.ts",
    "test/clock/serverClock.test.ts",
    "test/http/logs.test.ts",
    "test/http/rateLimits.test.ts",
  ],
  "server/authentication.ts": [
    "test/http/authorization.test.ts",
    "test/http/rateLimits.test.ts",
    "test/http/proxiesAndOrigins.test.ts",
  ],
  "server/rateLimits.ts": [
    "test/http/rateLimits.test.ts",
    "test/clock/serverClock.test.ts",
    "test/http/proxiesAndOrigins.test.ts",
    "test/engines/networksOverLimit.test.ts",
  ],
  "server/idempotencyKeys.ts": ["test/http/idempotency.test.ts"],
  "server/entityTags.ts": ["test/http/conditionalRequests.test.ts"],
  "server/customerIds.ts": ["test/clock/serverClock.test.ts", "test/http/getCustomer.test.ts"],
  "server/requestParsing.ts": [
    "test/http/expectContinue.test.ts",
    "test/http/bodies.test.ts",
    "test/http/listFilters.test.ts",
    "test/http/readBody.test.ts",
    "test/http/idempotency.test.ts",
    "test/http/listCustomers.test.ts",
    "test/http/requests.test.ts",
  ],
  "server/violations.ts": [
    "test/http/validation.test.ts",
    "test/http/listFilters.test.ts",
    "test/http/createCustomer.test.ts",
    "test/http/updateCustomer.test.ts",
    "test/http/fields.test.ts",
  ],
  "server/validation.ts": [
    "test/http/validation.test.ts",
    "test/http/listFilters.test.ts",
    "test/http/getCustomer.test.ts",
    "test/http/bodies.test.ts",
    "test/http/mounting.test.ts",
    "test/http/updateCustomer.test.ts",
    "test/http/fields.test.ts",
  ],
  "server/customers.ts": [
    "test/http/createCustomer.test.ts",
    "test/http/getCustomer.test.ts",
    "test/http/updateCustomer.test.ts",
    "test/http/listCustomers.test.ts",
    "test/http/listFilters.test.ts",
    "test/http/conditionalRequests.test.ts",
    "test/http/idempotency.test.ts",
    "test/http/publicUrl.test.ts",
  ],
  "server/operations.ts": [
    "test/http/createCustomer.test.ts",
    "test/http/updateCustomer.test.ts",
    "test/http/conditionalRequests.test.ts",
    "test/http/deadlines.test.ts",
  ],
  "server/contractCheck.ts": ["test/http/contractCheck.test.ts", "test/http/driftCheck.test.ts"],
  "server/commands/csv.ts": ["test/processes/csvText.test.ts", "test/processes/importProblems.test.ts"],
  "server/commands/import/columns.ts": [
    "test/processes/importProblems.test.ts",
    "test/processes/importNumbers.test.ts",
    "test/processes/importFormats.test.ts",
  ],
  "server/commands/import/numbers.ts": ["test/processes/importNumbers.test.ts"],
  "server/commands/import/records.ts": [
    "test/processes/importFormats.test.ts",
    "test/processes/importProblems.test.ts",
  ],
  "client/retries.ts": [
    "test/clock/backoff.test.ts",
    "test/client/client.test.ts",
    "test/clock/pacing.test.ts",
    "test/client/retries.test.ts",
  ],
};

/** The files with code for PostgreSQL, whose tests run on both engines. */
export const onBothEngines = ["server/rateLimits.ts"];
