/** How commands, the server and `createCustomersApi` report a PostgreSQL that they cannot use. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import pg from "pg";
import { beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { createCustomersApi } from "../../../server/app.ts";
import { createTemporaryDatabase } from "../../support/databases.ts";
import { runProgram, runServer } from "../../support/processes.ts";

function runDistribu(args: string[], environment: Record<string, string>) {
  return runProgram(process.execPath, ["dist/server/cli.js", ...args], environment);
}

/** Returns a database URL without secrets. */
function describeUrl(url: string): string {
  return url.replace(/:\w+@/, "@");
}

describe("PostgreSQL without our tables", () => {
  it.each<[string, string[]]>([
    ["keys create", ["--company", "acme", "--scopes", "customers:read"]],
    ["keys list", []],
    ["companies list", []],
    ["import", ["package.json", "--company", "acme"]],
    ["export", ["--company", "acme"]],
    ["audit", ["--company", "acme"]],
    ["erase", ["--company", "acme", "--customer", "01890a5d-ac96-774b-bcce-b302099a8057"]],
  ])("%s: PostgreSQL without tables → exit code 1, none is created", async (command, options) => {
    const DATABASE_URL = await createTemporaryDatabase();
    const { code, stdout, stderr } = await runDistribu([...command.split(" "), ...options], {
      DATABASE_URL,
    });
    const shown = describeUrl(DATABASE_URL);
    expect([code, stdout, stderr]).toEqual([1, "", `Database: ${shown}\nThere is no database at ${shown}\n`]);
    const connection = new pg.Client(DATABASE_URL);
    await connection.connect();
    const created = "select relname from pg_class where relnamespace = 'public'::regnamespace";
    expect((await connection.query(created)).rows).toEqual([]);
    await connection.end();
  });

  it("copy: source without tables → exit code 1, none is created", async () => {
    const [source, target] = [await createTemporaryDatabase(), await createTemporaryDatabase()];
    const { code, stderr } = await runDistribu(["copy", "--from", source, "--to", target], {});
    expect(code).toBe(1);
    expect(stderr).toContain(`\nThere is no database at ${describeUrl(source)}\n`);
  });
});

describe("PostgreSQL that cannot be used", () => {
  it("PostgreSQL: a table of another program → an error that names it", async () => {
    const DATABASE_URL = await createTemporaryDatabase();
    const connection = new pg.Client(DATABASE_URL);
    await connection.connect();
    await connection.query("create table customers (id integer)");
    await connection.end();
    const { code, stdout } = await runServer({ DATABASE_URL });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /"reason":"Cannot use PostgreSQL at [^ ]+: relation .{1,2}customers.{1,2} already exists"/,
    );
  });

  it("PostgreSQL: no response → an error that says so", async () => {
    const frozen = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void frozen.close());
    await once(frozen, "listening");
    const address = `127.0.0.1:${(frozen.address() as AddressInfo).port}`;
    const { code, stderr } = await runDistribu(["keys", "list"], { DATABASE_URL: `postgres://${address}/x` });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot reach PostgreSQL at 127\.0\.0\.1:\d+: no connection within 1500 ms: /m);
  });
});

describe("PostgreSQL that cannot be reached", () => {
  let server: URL;
  beforeAll(() => {
    server = new URL(inject("postgresUrl"));
  });
  const secret = "s3cret-of-the-test";

  it.each<[string, (url: URL) => void, RegExp]>([
    ["unknown role", (url) => (url.username = "nobody"), /password authentication failed for user "nobody"/],
    ["missing database", (url) => (url.pathname = "/missing"), /database "missing" does not exist/],
    ["TLS required, none offered", (url) => (url.search = "?ssl=true"), /does not support SSL connections/],
    ["host unknown", (url) => (url.hostname = "nowhere.invalid"), /getaddrinfo \w+ nowhere\.invalid/],
    ["no listener", (url) => (url.port = "1"), /connect ECONNREFUSED 127\.0\.0\.1:1/],
  ])("PostgreSQL: %s → address and cause, no password", async (condition, change, cause) => {
    const url = new URL(server);
    if (condition !== "missing database") url.password = secret;
    change(url);
    const prefix = `Cannot reach PostgreSQL at ${url.hostname}:${url.port}: `;

    const command = await runDistribu(["keys", "list"], { DATABASE_URL: url.href });
    const [, line = ""] = command.stderr.split("\n");
    expect([command.code, line.startsWith(prefix)], line).toEqual([1, true]);
    expect(line).toMatch(cause);

    const error = await createCustomersApi({ databaseUrl: url.href }).catch((thrown) => thrown);
    expect(error.message).toBe(line);

    const started = await runServer({
      DATABASE_URL: url.href,
      // Does not wait for the other attempts.
      NODE_OPTIONS: "--import=data:text/javascript,setTimeout(()=>process.exit(3),4000).unref()",
    });
    expect(started.stdout).toContain(`"reason":${JSON.stringify(line)}`);
    for (const output of [command.stderr, error.stack, started.stdout, started.stderr])
      expect(output).not.toContain(secret);
  });
});
