/** Invalid arguments: reported on one line, with exit code 2. Nothing was changed. */
export class UsageError extends Error {}
