/** Checks that the programs which the deployment tests need are installed. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder with `tls.crt` for localhost, which this run trusts, and `tls.key`. */
    tlsFolder: string;
  }
}

/** Each program, with its Debian package. */
const packages = {
  nginx: "nginx-light",
  openssl: "openssl",
  "systemd-analyze": "systemd",
  podman: "podman",
  mmdebstrap: "mmdebstrap debian-archive-keyring",
  promtool: "prometheus",
  setpriv: "util-linux",
};

/** Exits if a program is missing: no test is skipped. */
export default function setup(project: TestProject): () => void {
  const missing = Object.entries(packages).filter(([program]) => !isInstalled(program));
  if (missing.length > 0) {
    const names = missing.map(([, name]) => name).join(" ");
    console.error(
      `There is no ${missing.map(([program]) => program).join(", ")}. Install, on Debian as root:\n\n` +
        `  apt-get update && apt-get install -y --no-install-recommends ${names}`,
    );
    process.exit(1);
  }
  if (process.getuid?.() !== 0) {
    console.error("Building an image and running it as another user requires root: sudo npm run test:deploy");
    process.exit(1);
  }
  const folder = mkdtempSync(join(tmpdir(), "distribu-tls-"));
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const [crt, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const request = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext ${names}`;
  execFileSync("openssl", [...request.split(" "), "-keyout", key, "-out", crt], { stdio: "ignore" });
  // Node reads this at startup, so the test processes, which start later, trust the certificate.
  process.env.NODE_EXTRA_CA_CERTS = crt;
  project.provide("tlsFolder", folder);
  return () => rmSync(folder, { recursive: true });
}

function isInstalled(program: string): boolean {
  try {
    execFileSync("which", [program]);
    return true;
  } catch {
    return false;
  }
}
