import { once } from "node:events";
import { chownSync, readdirSync, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createCustomersClient } from "../../client/index.ts";
import { createCheckedFetch } from "../../server/checkedFetch.ts";
import { sandboxKeys } from "../../server/sandbox/data.ts";
import { freePort } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";
import { buildImage, findFirstProcess, type Image, unmountAll } from "./image.ts";

const folder = temporaryFolder();
let image: Image;
beforeAll(async () => {
  image = await buildImage(folder.path);
  console.log(`The image adds ${image.megabytes.toFixed(0)} MB to its base image.`);
});
afterAll(() => {
  unmountAll(folder.path);
  folder.remove();
});

/** Creates a volume as a container engine does: with the owner of the image's folder that it replaces. */
function createVolume(): string {
  const volume = temporaryFolder();
  onTestFinished(volume.remove);
  const [uid, gid] = image.config.User.split(":").map(Number);
  chownSync(volume.path, uid as number, gid as number);
  return volume.path;
}

/** Runs a command in a container of its own until it exits. */
async function runIn(volume: string, command: string[], environment?: Record<string, string>) {
  const child = image.start(command, volume, environment);
  const [[code], stdout, stderr] = await Promise.all([
    once(child, "exit"),
    text(child.stdout as never),
    text(child.stderr as never),
  ]);
  return { code, stdout, stderr };
}

/** Starts the image's command, or another, on a free port of loopback. Resolves once it listens. */
async function startServer(volume: string, command: string[] = image.config.Cmd) {
  const port = await freePort();
  const environment = { PORT: String(port), HOST: "127.0.0.1" };
  const child = image.start(command, volume, environment);
  const exited = once(child, "exit");
  onTestFinished(async () => {
    const first = findFirstProcess(child);
    if (first !== undefined) process.kill(first, "SIGKILL");
    await exited;
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  await expect.poll(() => output, { timeout: 60_000 }).toContain('"msg":"listening"');
  return {
    environment,
    url: `http://127.0.0.1:${port}`,
    /** The host's ID of the container's first process. */
    first: findFirstProcess(child) as number,
    exited,
    output: () => output,
  };
}

it("image: user → not root, no capabilities, can write only /data", async () => {
  const volume = createVolume();
  const writable =
    "find / -xdev \\( -path /proc -o -path /dev \\) -prune -o \\( -type f -o -type d \\) -writable -print";
  const { stdout } = await runIn(volume, ["sh", "-c", `id -u; grep CapBnd /proc/self/status; ${writable}`]);
  expect(stdout).toBe("1000\nCapBnd:\t0000000000000000\n/data\n");
  expect(Object.keys(image.config.Volumes)).toEqual(["/data"]);
});

it("image: server → first process, data in /data, exit code 0 after SIGTERM", async () => {
  const volume = createVolume();
  const server = await startServer(volume);
  const createdKey = await runIn(volume, [
    ...["distribu", "keys", "create"],
    ...["--company", "acme", "--scopes", "customers:read,customers:write"],
  ]);
  expect(createdKey).toMatchObject({ code: 0, stderr: "Database: sqlite:/data/distribu.db\n" });
  const apiKey = createdKey.stdout.trim();
  const createClient = (url: string) =>
    createCustomersClient({ baseUrl: `${url}/api/v1`, apiKey, fetch: createCheckedFetch(), maxRetries: 0 });

  expect(readFileSync(`/proc/${server.first}/status`, "utf8")).toMatch(/^NSpid:\t\d+\t1$/m);
  expect(readFileSync(`/proc/${server.first}/cmdline`, "utf8")).toBe(
    "node\0--disable-sigusr1\0dist/server/cli.js\0serve\0",
  );
  const created = await createClient(server.url).POST("/customers", {
    body: { email: "kept@volume.example" },
  });
  expect(created.response.status).toBe(201);
  for (const page of ["/docs", "/docs/postman.json", "/openapi.json", "/openapi.yaml"])
    expect((await fetch(server.url + page)).status).toBe(200);
  expect(image.config.StopSignal).toBe("SIGTERM");
  process.kill(server.first, "SIGTERM");
  expect(await server.exited).toEqual([0, null]);
  expect(server.output()).toContain('"msg":"stopped"');
  expect(readdirSync(volume)).toEqual(["distribu.db"]);

  const second = await startServer(volume);
  const { data } = await createClient(second.url).GET("/customers");
  expect(data?.data).toEqual([created.data?.data]);
});

it("image: health check → 0 while the server runs, 1 without it", async () => {
  const volume = createVolume();
  const server = await startServer(volume);
  const check = async () => (await runIn(volume, image.healthCheck, server.environment)).code;
  expect(await check()).toBe(0);
  process.kill(server.first, "SIGTERM");
  await server.exited;
  expect(await check()).toBe(1);
});

it("image: distribu sandbox → its page and its customers, nothing stored", async () => {
  const volume = createVolume();
  const { url, first, exited } = await startServer(volume, ["distribu", "sandbox"]);
  expect(await (await fetch(url)).text()).toContain("<title>");
  const client = createCustomersClient({
    baseUrl: `${url}/api/v1`,
    apiKey: sandboxKeys.both.key,
    fetch: createCheckedFetch(),
  });
  const { data } = await client.GET("/customers", { params: { query: { limit: 1 } } });
  expect(data?.data).toHaveLength(1);
  process.kill(first, "SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(readdirSync(volume)).toEqual([]);
});

it("image: contents → no build tools, sources or tests", async () => {
  const packages = `ls node_modules node_modules/.bin 2>/dev/null; ls; find / -xdev -name '*.ts' ! -name '*.d.ts' -path '/app/*' | head`;
  const { stdout } = await runIn(createVolume(), ["sh", "-c", packages]);
  const names = stdout.split("\n");
  for (const name of ["typescript", "vitest", "server", "test", "tsconfig.json"])
    expect(names).not.toContain(name);
  for (const name of ["express", "better-sqlite3", "dist"]) expect(names).toContain(name);
});
