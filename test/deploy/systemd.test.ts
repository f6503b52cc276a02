/** The systemd unit: checked by systemd-analyze, and run with its own user, environment and folders. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";
import { createCustomersClient } from "../../client/index.ts";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import { variables } from "../../server/variables.ts";
import { readBlock } from "../support/pages.ts";
import { freePort } from "../support/postgres.ts";
import { runProgram } from "../support/processes.ts";

const file = "server/deploy/distribu-customers-api.service";
const unit = readFileSync(file, "utf8");
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";

/** A user without a name, as `DynamicUser` allocates one. */
const user = 61_184;

/**
 * The unit's view of the file system: this checkout in its installation folder, an empty state directory, everything
 * else read-only.
 */
const folders = `
  mount -t tmpfs tmpfs /opt
  mkdir ${setting("WorkingDirectory")}
  mount --bind . ${setting("WorkingDirectory")}
  mount -o remount,bind,ro ${setting("WorkingDirectory")}
  touch /opt/node
  mount --bind "${process.execPath}" /opt/node
  mount -t tmpfs tmpfs /var/lib
  install -d -o ${user} -g ${user} -m ${setting("StateDirectoryMode")} /var/lib/${setting("StateDirectory")}
`;

/**
 * Starts a command as the unit does, in the mount namespace of another process or in a new one. systemd itself is not
 * used, because where the tests run it may not be the first process. Like this whole suite, this needs root.
 */
function start(command: string, environment: string[], namespaceOf?: number) {
  const restricted = `cd ${setting("WorkingDirectory")}
    umask ${setting("UMask")}
    exec setpriv --reuid=${user} --regid=${user} --clear-groups --bounding-set=-all --no-new-privs \
      env --ignore-environment ${environment.join(" ")} ${command.replace("/usr/bin/node", "/opt/node")}`;
  const [program, ...namespace] =
    namespaceOf === undefined ? ["unshare"] : ["nsenter", `--target=${namespaceOf}`];
  const script = namespaceOf === undefined ? folders + restricted : restricted;
  return spawn(program as string, [...namespace, "--mount", "sh", "-ec", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

it("systemd unit: systemd-analyze verify → no findings", async () => {
  const ended = await runProgram("systemd-analyze", ["verify", "--man=no", file]);
  expect(ended).toEqual({ code: 0, stdout: "", stderr: "" });
});

it("systemd unit: systemd-analyze security → exposure level below 1.5 of 10", async () => {
  const args = ["security", "--offline=true", "--threshold=15", "--no-pager", file];
  const { code, stdout, stderr } = await runProgram("systemd-analyze", args);
  expect(code, stdout + stderr).toBe(0);
});

it("systemd unit: environment → variables of the server, valid values", () => {
  const set = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, ...pair]) => pair as [string, string]);
  expect(set.map(([name]) => name)).toEqual(["NODE_ENV", "DATABASE_URL"]);
  expect(variables.DATABASE_URL.parse(set[1]?.[1] as string)).toBeDefined();
});

it("server/README.md: command for the first key → the unit's user and settings", () => {
  const command = readBlock("server/README.md", "bash", "first-key-systemd");
  for (const name of ["DynamicUser", "StateDirectory", "WorkingDirectory", "EnvironmentFile"])
    expect(command).toContain(`--property=${name}=${setting(name)} `);
  // A dynamic user has the name of the unit.
  expect(command).toContain("--property=User=distribu-customers-api ");
  for (const [, assignment] of unit.matchAll(/^Environment=(.*)$/gm))
    expect(command).toContain(`--setenv=${assignment} `);
  expect(`${setting("ExecStart")}`.replace(" serve", " keys create")).toBe(
    /\/usr\/bin\/node .* keys create/.exec(command)?.[0],
  );
});

it("systemd unit: database, restart, stop → writable folder, on failure, enough time", () => {
  expect(unit).toContain(`DATABASE_URL=sqlite:/var/lib/${setting("StateDirectory")}/`);
  expect(setting("Restart")).toBe("on-failure");
  // The grace period, and a second.
  expect(Number(setting("TimeoutStopSec"))).toBeGreaterThan(11);
});

it("systemd unit: its user, environment, folders → a key, a customer, a clean stop", async () => {
  const port = await freePort();
  const environment = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, assignment = ""]) => assignment);
  const server = start(setting("ExecStart"), [...environment, `PORT=${port}`]);
  const exited = once(server, "exit");
  onTestFinished(() => void server.kill("SIGKILL"));
  let output = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (chunk) => (output += chunk));
  await expect.poll(() => output, { timeout: 60_000 }).toContain('"msg":"listening"');

  // The README's command, with the properties that it sets.
  const command = readBlock("server/README.md", "bash", "first-key-systemd").replaceAll("\\\n", "");
  const set = [...command.matchAll(/--setenv=(\S+)/g)].map(([, assignment = ""]) => assignment);
  const created = start(/\/usr\/bin\/node .*/.exec(command)?.[0] ?? "", set, server.pid);
  const [key, [code]] = await Promise.all([readAll(created.stdout), once(created, "exit")]);
  expect(code).toBe(0);
  const client = createCustomersClient({
    baseUrl: `http://127.0.0.1:${port}/api/v1`,
    apiKey: key.trim(),
    fetch: createCheckedFetch(),
  });
  const { response } = await client.POST("/customers", { body: { email: "unit@customer.example" } });
  expect(response.status).toBe(201);

  const state = `/var/lib/${setting("StateDirectory")}`;
  const listed = start(`/usr/bin/stat --format='%A %u %n' ${state} ${state}/distribu.db`, [], server.pid);
  expect(await readAll(listed.stdout)).toBe(
    `drwx------ ${user} ${state}\n-rw------- ${user} ${state}/distribu.db\n`,
  );
  const written = start(`/usr/bin/touch ${setting("WorkingDirectory")}/written`, [], server.pid);
  expect(await once(written, "exit")).not.toEqual([0, null]);

  server.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
});
