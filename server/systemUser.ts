import { userInfo } from "node:os";

/**
 * Returns the name of the user who runs this process, for the audit trail, or its number: in a container, the user may
 * have no name.
 */
export function findSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.()}`;
  }
}
