import { userInfo } from "node:os";

/** The user who runs this process, for the audit trail. In a container, the user may have no name. */
export function findSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.()}`;
  }
}
