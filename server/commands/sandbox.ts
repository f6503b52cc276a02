import type { Command } from "commander";

/** Defines `distribu sandbox`. */
export function define(command: Command): void {
  command
    .description("Runs a server in memory, always with the same companies, customers and keys.")
    .addHelpText("after", "\nPORT, HOST, LOG_LEVEL and LOG_FORMAT work as for the server.")
    .action(async () => {
      await import("../sandbox/main.ts");
    });
}
