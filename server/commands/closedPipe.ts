/** Ignores that the reader of the output has stopped reading, as `head` does. */
export function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
