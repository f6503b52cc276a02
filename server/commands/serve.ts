import type { Command } from "commander";

/** Defines `distribu serve`. */
export function define(command: Command): void {
  command
    .description("Runs the server, and creates its database if there is none.")
    .addHelpText("after", "\nEvery setting is an environment variable; README.md lists them.")
    .action(async () => {
      await import("../main.ts");
    });
}
