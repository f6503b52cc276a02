/** `distribu erase`: erases the personal data of a customer. */
import type { Command } from "commander";
import { eraseCustomer } from "../eraseCustomer.ts";
import { companyOption, parseCustomerId } from "./options.ts";
import { findCompany, withDatabase } from "./withDatabase.ts";

/** Defines `distribu erase`. */
export function define(command: Command): void {
  command
    .description("Permanently erases the personal data of a customer. Repeating it changes nothing.")
    .addOption(companyOption())
    .requiredOption("--customer <id>", "ID of the customer", parseCustomerId)
    .addHelpText(
      "after",
      `
The email becomes erased+<id>@erased.invalid, name and notes are cleared, and the customer is blocked. Its idempotency
keys are deleted, so repeating a create with such a key creates a new customer.
Backups keep the data until they are deleted.`,
    )
    .action(({ company, customer }: { company: string; customer: string }) =>
      withDatabase(async (database) => {
        const id = await findCompany(database, company);
        const { isChanged, deletedKeys } = await eraseCustomer(database, { id, slug: company }, customer);
        console.error(
          isChanged || deletedKeys > 0
            ? `Erased ${customer}; deleted ${deletedKeys} idempotency ${deletedKeys === 1 ? "key" : "keys"}.`
            : `${customer} was already erased.`,
        );
      }),
    );
}
