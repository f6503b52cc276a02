#!/usr/bin/env node
/**
 * `distribu`: the server and its commands. Results go to standard output, everything else to standard error.
 * Exit codes: 0 for success, 1 for a failure, 2 for invalid arguments; `contract` also uses 3.
 */
import "./requireNode.ts";
import "./compileCache.ts";
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { UsageError } from "./commands/usageError.ts";
import { ConfigError } from "./config.ts";
import { CommandError } from "./errors.ts";

const { version } = createRequire(import.meta.url)("#package.json");

/** Each command: its summary, and the module that defines it, loaded only if the command is used. */
const commands: Record<string, { summary: string; load(): Promise<{ define(command: Command): void }> }> = {
  serve: { summary: "run the server", load: () => import("./commands/serve.ts") },
  keys: { summary: "create, list, rotate and revoke API keys", load: () => import("./commands/keys.ts") },
  companies: {
    summary: "list, block and unblock companies",
    load: () => import("./commands/companies.ts"),
  },
  import: {
    summary: "create and update customers from a CSV file",
    load: () => import("./commands/import.ts"),
  },
  export: { summary: "export customers as CSV", load: () => import("./commands/export.ts") },
  copy: { summary: "copy a database into an empty one", load: () => import("./commands/copy.ts") },
  backup: { summary: "back up a SQLite database", load: () => import("./commands/backup.ts") },
  audit: {
    summary: "list or prune the audit trail",
    load: () => import("./commands/audit.ts"),
  },
  erase: {
    summary: "erase the personal data of a customer",
    load: () => import("./commands/erase.ts"),
  },
  sandbox: { summary: "run a server with test data in memory", load: () => import("./commands/sandbox.ts") },
  contract: {
    summary: "test a deployment against the contract",
    load: () => import("./commands/contract.ts"),
  },
};

// The log of the server handles these errors itself.
if (!["serve", "sandbox"].includes(process.argv[2] ?? "")) reportOutputErrors();
try {
  await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = reportError(error);
}

/** Fails when output was lost on a full disk, which `console.log` ignores. A reader that stops reading is no failure. */
function reportOutputErrors(): void {
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error) => (lost ??= error));
  process.on("exit", (code) => {
    if (code !== 0 || lost === undefined || lost.code === "EPIPE") return;
    console.error(`Failed: ${lost.message}`);
    process.exitCode = 1;
  });
}

async function run(args: string[]): Promise<void> {
  if (args.length === 0)
    throw new UsageError(`No command given. Commands: ${Object.keys(commands).join(", ")}`);
  const program = new Command("distribu")
    .description("The Distribu Customers API: server and administration commands.")
    .version(version, "--version", "print the version")
    .addHelpText(
      "after",
      "\nThe commands read the same environment variables as the server, in particular DATABASE_URL.",
    )
    // Errors are thrown here and reported on one line below.
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).description(summary);
    if (args.slice(0, 2).includes(name)) (await load()).define(command);
  }
  await program.parseAsync(args, { from: "user" }).catch((error) => {
    // Commander's error for a command group without a subcommand.
    if (!(error instanceof CommanderError && error.code === "commander.help" && error.exitCode !== 0))
      throw error;
    const group = program.commands.find((command) => command.name() === args[0]) ?? program;
    throw new UsageError(`No command given. Commands: ${listCommands(group)}`);
  });
}

function listCommands(group: Command): string {
  return group.commands.map((command) => command.name()).join(", ");
}

/** Prints an error on one line. Returns the exit code. */
function reportError(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander also throws for --help and --version.
    if (error.exitCode === 0) return 0;
    console.error(error.message.replace(/^error: /, "").replaceAll("\n", " "));
    return 2;
  }
  const isExpected = [UsageError, ConfigError, CommandError].some((kind) => error instanceof kind);
  console.error(isExpected ? (error as Error).message : `Failed: ${(error as Error).message}`);
  return error instanceof UsageError ? 2 : 1;
}
