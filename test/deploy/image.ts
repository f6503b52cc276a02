/** Builds and runs the image of the Dockerfile without a Docker engine. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The part of the image's configuration that applies to its processes. */
interface ImageConfig {
  User: string;
  Env: string[];
  Cmd: string[];
  WorkingDir: string;
  Volumes: Record<string, object>;
  StopSignal: string;
}

export interface Image {
  config: ImageConfig;
  /** The command of the health check. */
  healthCheck: string[];
  /** Its size in megabytes without the base image. */
  megabytes: number;
  /**
   * Starts a command as a container engine does: in its own process namespace, as the image's user without
   * capabilities, with a read-only root file system and a folder mounted at /data.
   */
  start(command: string[], dataFolder: string, environment?: Record<string, string>): ChildProcess;
}

const base = "docker.io/library/node:24-bookworm-slim";

/**
 * Builds the image with podman, which reads the Dockerfile as Docker does. So that no registry is needed, a minimal
 * Debian with this Node.js replaces the base image.
 * @param folder for podman's storage
 */
export async function buildImage(folder: string): Promise<Image> {
  const podman = (...args: string[]) =>
    run("podman", [...["--root", join(folder, "storage"), "--runroot", join(folder, "run")], ...args], {
      maxBuffer: 2 ** 28,
    });

  const root = join(folder, "base");
  await run("mmdebstrap", ["--variant=minbase", "--include=ca-certificates", "bookworm", root]);
  cpSync(process.execPath, join(root, "usr/local/bin/node"), { dereference: true });
  // The npm that runs this test.
  const npm = "lib/node_modules/npm";
  const installed = dirname(dirname(realpathSync(process.env.npm_execpath as string)));
  cpSync(installed, join(root, "usr/local", npm), { recursive: true, verbatimSymlinks: true });
  for (const name of ["npm", "npx"])
    symlinkSync(`../${npm}/bin/${name}-cli.js`, join(root, "usr/local/bin", name));
  execFileSync("chroot", [root, "useradd", "--create-home", "--uid", "1000", "node"]);
  const archive = join(folder, "base.tar");
  execFileSync("tar", ["-C", root, "-cf", archive, "."]);
  await podman("import", archive, base);

  // The settings with which this machine reaches its registries.
  const npmrc = join(folder, "npmrc");
  const own = join(homedir(), ".npmrc");
  const bundle = "/etc/ssl/certs/ca-certificates.crt";
  const lines = existsSync(own) ? [readFileSync(own, "utf8").replaceAll(/^nodedir=.*$/gm, "")] : [];
  writeFileSync(npmrc, [...lines, `cafile=${bundle}`, ""].join("\n"));
  const mounts = [`${npmrc}:/root/.npmrc:ro`, "/etc/ssl/certs:/etc/ssl/certs:ro"];
  await podman(
    "build",
    ...["--format", "docker", "--isolation", "chroot", "--network", "host", "--pull-never"],
    ...mounts.flatMap((mount) => ["--volume", mount]),
    ...["--tag", "customers", "."],
  );
  const [inspected] = JSON.parse((await podman("inspect", "customers")).stdout);
  const [from] = JSON.parse((await podman("inspect", base)).stdout);
  const mounted = (await podman("image", "mount", "customers")).stdout.trim();
  const { Config: config, Healthcheck: healthCheck } = inspected;

  return {
    config,
    healthCheck: healthCheck.Test.slice(1),
    megabytes: (inspected.Size - from.Size) / 1e6,
    start(command, dataFolder, environment = {}) {
      const [uid, gid] = config.User.split(":");
      const own = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      const drop = "--clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs";
      const script = `
        set -eu
        mount --bind "$root" "$root"
        mount -o remount,bind,ro "$root"
        mount --bind "$data" "$root/data"
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        exec chroot "$root" setpriv --reuid=${uid} --regid=${gid} ${drop} \\
          env --ignore-environment --chdir=${config.WorkingDir} "$@"`;
      const args = ["--mount", "--pid", "--fork", "sh", "-c", script, "sh"];
      return spawn("unshare", [...args, ...config.Env, ...own, ...command], {
        env: { PATH: process.env.PATH, root: mounted, data: dataFolder },
        stdio: ["ignore", "pipe", "pipe"],
      });
    },
  };
}

/**
 * Returns the host's ID of the first process of a container, or undefined once it has exited. Killing its parent would
 * not kill it, because it runs as another user.
 */
export function findFirstProcess({ pid, exitCode, signalCode }: ChildProcess): number | undefined {
  if (exitCode !== null || signalCode !== null) return undefined;
  return Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"), 10) || undefined;
}

/** Unmounts everything that podman has mounted below a folder, so that the folder can be removed. */
export function unmountAll(folder: string): void {
  const mounted = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounted.reverse()) execFileSync("umount", [path]);
}
