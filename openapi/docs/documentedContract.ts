/** Prepares the contract for its documentation. */
import { readFileSync } from "node:fs";
import { formatCommonHeaders, listCommonHeaders } from "../commonHeaders.ts";
import { listOperations, type Part, resolve } from "../contractFile.ts";
import { highlightCodeBlocks } from "./codeBlocks.ts";
import { languages, listSamples } from "./samples.ts";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

/** @param served the contract as the server sends it; it is not modified */
export function documentContract(served: Part): Part {
  const contract = structuredClone(served);
  const operations = listOperations(contract);
  // The introduction describes these headers once for all operations.
  const commonHeaders = formatCommonHeaders(contract, operations);
  const introduction = contract.info.description.replace(
    commonHeaders,
    () => `${commonHeaders}\n\nThe operations below list only additional headers.`,
  );
  contract.info.description = highlightCodeBlocks(`${introduction}\n${formatChangelog()}`);
  for (const name of listCommonHeaders(contract, operations)) {
    for (const { responses } of operations)
      for (const response of Object.values<Part>(responses)) delete resolve(contract, response).headers[name];
  }
  // Without a tag, operations are listed on their own instead of in a collapsed group.
  contract.tags = [{ name: "" }];
  for (const path of Object.values<Part>(contract.paths))
    for (const operation of Object.values<Part>(path)) {
      if (!operation.operationId) continue;
      delete operation.tags;
      const samples = listSamples(contract, operation);
      // Keyed by the name of the example, with which Redoc looks it up.
      operation["x-codeSamples"] = Object.entries(languages).map(([language, { label, lang }]) => {
        const own = samples.filter((sample) => sample.language === language);
        const source = Object.fromEntries(own.map((sample) => [sample.example, sample.source]));
        return { lang, label, source: source.undefined ?? source };
      });
    }
  return contract;
}

/**
 * Returns CHANGELOG.md as a section, without its introduction. Its headings become bold text, so that they are not in
 * the menu.
 */
function formatChangelog(): string {
  const changelog = read("CHANGELOG.md");
  const releases = changelog.slice(changelog.indexOf("\n## ["));
  return `## Changelog\n${releases.replaceAll(/^#{2,3} \[?(.+?)\]?(?= - |$)/gm, "**$1**")}`;
}
