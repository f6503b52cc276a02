import type { Command } from "commander";

/** Defines `distribu sandbox`. */
export function define(command: Command): void {
  command
    .description("Runs a server in memory, with the same companies, customers and keys at each start.")
    .addHelpText("after", "\nPORT, HOST and LOG_LEVEL are as for the server.")
    .action(async () => {
      await import("../sandbox/main.ts");
    });
}
