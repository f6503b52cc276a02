import { userInfo } from "node:os";

/** Who runs this process, for the audit trail. A container may run as a user that has no name there. */
export function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.()}`;
  }
}
