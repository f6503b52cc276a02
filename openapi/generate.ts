/**
 * `npm run generate`: writes generated/ from openapi.yaml: `openapi.json` (the contract for serving and for partners),
 * `api.ts` (its types) and `messages.ts` (its error messages and scopes as literal types). Writes nothing and exits
 * with 1 if an operation implies an error message that its responses lack.
 */
import { writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import { findAmbiguousTemplates } from "../server/pathTemplates.ts";
import { formatCommonHeaders } from "./commonHeaders.ts";
import { listOperations, readContract } from "./contractFile.ts";
import { formatErrorTable } from "./errorTable.ts";
import { findMissingErrors } from "./impliedErrors.ts";
import { generateMessageTypes } from "./messageTypes.ts";
import { formatClientInstallation, formatSandboxCommands } from "./packages.ts";

const contract = readContract();
const problems = [...findAmbiguousTemplates(Object.keys(contract.paths)), ...findMissingErrors(contract)];
if (problems.length > 0) {
  console.error(`openapi/openapi.yaml:\n${problems.join("\n")}`);
  process.exit(1);
}

const notice = "// Generated from openapi/openapi.yaml by `npm run generate`. Do not edit.\n";
const operations = listOperations(contract);
const parts: Record<string, string> = {
  "the common headers": formatCommonHeaders(contract, operations),
  "the error table": formatErrorTable(contract, operations),
  "how to install the client": formatClientInstallation(),
  "how to start the sandbox": formatSandboxCommands(),
};
contract.info.description = contract.info.description.replaceAll(
  /<!-- npm run generate: (.*?) -->/g,
  (_: string, part: string) => parts[part],
);
const types = await openapiTS(contract, {
  alphabetize: true,
  defaultNonNullable: false,
  rootTypes: true,
  rootTypesNoSchemaPrefix: true,
});

write("openapi.json", `${JSON.stringify(contract, null, 2)}\n`);
write("api.ts", notice + astToString(types));
write("messages.ts", `${notice}\n${generateMessageTypes(contract, operations)}`);

function write(name: string, text: string): void {
  writeFileSync(new URL(`../generated/${name}`, import.meta.url), text);
}
