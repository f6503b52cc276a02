import { readFileSync } from "node:fs";

/** Explains in Markdown how to install the client: by name once it is published, from a file while it is private. */
export function formatClientInstallation(
  file: { name: string; version: string; private?: boolean } = JSON.parse(
    readFileSync(new URL("../client/package.json", import.meta.url), "utf8"),
  ),
): string {
  const { name, version, private: isPrivate } = file;
  const archive = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
  return isPrivate
    ? `In a checkout of the server, \`npm pack -w client\` packs it; in your project, \`npm install ./${archive}\` installs the file.`
    : `Install it with \`npm install ${name}\`.`;
}
