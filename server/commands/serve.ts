import type { Command } from "commander";

/** Defines `distribu serve`. */
export function define(command: Command): void {
  command
    .description("Runs the server. Creates its database if it does not exist.")
    .addHelpText("after", "\nAll settings are environment variables, listed in server/README.md.")
    .action(async () => {
      await import("../main.ts");
    });
}
