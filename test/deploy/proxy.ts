/** Runs server/deploy/nginx.conf, unchanged except for addresses, certificate and log. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, onTestFinished } from "vitest";
import { freePort } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporaryFolder.ts";

/** Starts nginx in front of two servers until the test finishes. Returns its URL. */
export async function startProxy(ports: (number | string)[], hasPrefix = false): Promise<string> {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const tls = inject("tlsFolder");
  const port = await freePort();
  const replaced: [string, string][] = [
    ["server 127.0.0.1:3000 ", `server 127.0.0.1:${ports[0]} `],
    ["server 127.0.0.1:3001 ", `server 127.0.0.1:${ports[1]} `],
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    ["listen [::]:443 ssl;", ""],
    ["/etc/nginx/tls/distribu.crt", join(tls, "tls.crt")],
    ["/etc/nginx/tls/distribu.key", join(tls, "tls.key")],
    ["/var/log/nginx/customers.log", join(folder.path, "access.log")],
  ];
  let site = readFileSync("server/deploy/nginx.conf", "utf8");
  for (const [from, to] of replaced) {
    expect(site.split(from), from).toHaveLength(2);
    site = site.replace(from, to);
  }
  // The example with a prefix, which is commented out in the file.
  if (hasPrefix)
    site = site.replace(/^( *)# ((?:map|location) .*\{\n(?:\1# .*\n)*?\1# \})$/gm, (_, indent, block) =>
      block.replaceAll(`\n${indent}# `, "\n"),
    );
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder.path}/${name};`,
  );
  writeFileSync(join(folder.path, "site.conf"), site);
  writeFileSync(
    join(folder.path, "nginx.conf"),
    `user root; daemon off; worker_processes 2; pid ${folder.path}/pid; error_log stderr crit;
     events {} http { ${temporary.join(" ")} include site.conf; }`,
  );
  const child = spawn("nginx", ["-p", folder.path, "-c", "nginx.conf", "-e", "stderr"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGQUIT");
    await exited;
  });
  const url = `https://localhost:${port}`;
  await expect.poll(() => fetch(url).then(() => child.exitCode ?? "listens", String)).toBe("listens");
  return url;
}
