/** The contract as its documentation shows it. */
import { readFileSync } from "node:fs";
import { listCommonHeaders } from "../commonHeaders.ts";
import { listOperations, type Part, resolve } from "../contractFile.ts";
import { colorCodeBlocks } from "./codeBlocks.ts";
import { languages, listSamples } from "./samples.ts";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

/** @param served the contract as it is served, which stays as it is */
export function documentContract(served: Part): Part {
  const contract = structuredClone(served);
  contract.info.description = colorCodeBlocks(`${contract.info.description}\n${changes()}`);
  // Described once, in the introduction.
  for (const name of listCommonHeaders(contract, listOperations(contract))) {
    for (const { responses } of listOperations(contract))
      for (const response of Object.values<Part>(responses)) delete resolve(contract, response).headers[name];
  }
  // Operations without a tag stand by themselves, not in a group that is closed at first.
  contract.tags = [{ name: "" }];
  for (const path of Object.values<Part>(contract.paths))
    for (const operation of Object.values<Part>(path)) {
      if (!operation.operationId) continue;
      delete operation.tags;
      const samples = listSamples(contract, operation);
      // By the name of the example, which Redoc takes it by.
      operation["x-codeSamples"] = Object.entries(languages).map(([language, { label, lang }]) => {
        const own = samples.filter((sample) => sample.language === language);
        const source = Object.fromEntries(own.map((sample) => [sample.example, sample.source]));
        return { lang, label, source: source.undefined ?? source };
      });
    }
  return contract;
}

/** CHANGELOG.md as a section, without its introduction; its headings are no entries of the menu. */
function changes(): string {
  const changelog = read("CHANGELOG.md");
  const releases = changelog.slice(changelog.indexOf("\n## ["));
  return `## Changelog\n${releases.replaceAll(/^#{2,3} \[?(.+?)\]?(?= - |$)/gm, "**$1**")}`;
}
