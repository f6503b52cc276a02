/** `npm run dev`: the server, restarted when a file changes. */
import { spawn } from "node:child_process";
import { utimesSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { createTemporaryDatabase } from "../support/databases.ts";

const timeout = 60_000;

it("npm run dev: a file of the server changes → restarts", { timeout }, async () => {
  const DATABASE_URL = await createTemporaryDatabase();
  const child = spawn("npm", ["run", "dev"], {
    env: { ...process.env, DATABASE_URL, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
    // Its own process group, because npm does not pass SIGKILL on to the server.
    detached: true,
  });
  onTestFinished(() => void process.kill(-(child.pid as number), "SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  const urls = () => [...output.matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url as string);
  await expect.poll(urls, { timeout }).toHaveLength(1);

  // The watcher starts some time after the file is loaded.
  const change = () => {
    if (!output.includes("Restarting")) utimesSync("server/app.ts", new Date(), new Date());
    return output;
  };
  await expect.poll(change, { timeout, interval: 1_000 }).toContain("Restarting");
  await expect.poll(urls, { timeout }).toHaveLength(2);
  expect((await fetch(`${urls()[1]}/readyz`)).status).toBe(200);
});
