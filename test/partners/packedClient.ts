/** The packed client, from an empty folder to a first listed customer by the three commands of client/README.md. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readBlocks } from "../support/pages.ts";
import { type PartnerVariables, root, run, temporary } from "./shell.ts";

/**
 * Runs the commands as shown, in a new folder. Returns what failed.
 * @param email of the only customer
 */
export async function testPackedClient(
  { DISTRIBU_URL, DISTRIBU_API_KEY }: PartnerVariables,
  email: string,
): Promise<string[]> {
  const project = join(temporary, "my-project");
  mkdirSync(project);
  const [pack = "", use = ""] = readBlocks("client/README.md", "bash", "install");
  const count = `${pack}${use}`.match(/^(npm|node) /gm)?.length;
  if (count !== 3) return [`client/README.md has ${count} commands, not 3`];
  const packed = await run(pack.replace("../my-project", project), root);
  if (packed.code !== 0) return [packed.output];
  const used = await run(use, project, { API: `${DISTRIBU_URL}/api/v1`, KEY: DISTRIBU_API_KEY });
  return used.code === 0 && used.output.endsWith(`\n${email}\n`) ? [] : [used.output];
}
