/** How partners get the packages: from a file while they are private, by name once they are published. */
import { readFileSync } from "node:fs";

/** As much of a package.json as is read here. */
interface PackageFile {
  name: string;
  version: string;
  private?: boolean;
}

/** How to install the client, in Markdown. */
export function formatClientInstallation(file = readPackage("../client/package.json")): string {
  return file.private
    ? `In a checkout of the server, \`npm pack -w client\` packs it; in your project, \`npm install ${nameArchive(file)}\` installs the file.`
    : `Install it with \`npm install ${file.name}\`.`;
}

/** The commands that start the sandbox, in Markdown: from the image, from the package and in a checkout. */
export function formatSandboxCommands(file = readPackage("../package.json")): string {
  return [
    "# From the image\ndocker run --rm --publish 127.0.0.1:3000:3000 distribu-customers-api distribu sandbox",
    `# From the packed server\nnpx --package=${file.private ? nameArchive(file) : file.name} distribu sandbox`,
    "# In a checkout\nnpm run sandbox",
  ]
    .map((commands) => `\`\`\`bash\n${commands}\n\`\`\``)
    .join("\n\n");
}

/** The file that `npm pack` writes. */
function nameArchive({ name, version }: PackageFile): string {
  return `./${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
}

function readPackage(file: string): PackageFile {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
}
