/** Reports the problems and warnings of an import to the operator. */

/** The maximum number of problems, and of warnings, to print. */
export const maxPrinted = 100;

type Kind = "problem" | "warning";

export type Report = ReturnType<typeof createReport>;

/**
 * Collects problems and warnings until `print` is called, because a progress bar would overwrite them.
 * @param name the name of the file, with which each line starts
 */
export function createReport(name: string, printLine: (line: string) => void) {
  const counts: Record<Kind, number> = { problem: 0, warning: 0 };
  const lines: Record<Kind, string[]> = { problem: [], warning: [] };

  return {
    add(kind: Kind, line: number, text: string): void {
      counts[kind]++;
      if (counts[kind] > maxPrinted) return;
      lines[kind].push(`${name}:${line}: ${kind === "warning" ? "warning: " : ""}${text}`);
    },
    /** Counts problems that were not passed to `add`. */
    addUnprinted(problems: number): void {
      counts.problem += problems;
    },
    print(): void {
      for (const kind of ["warning", "problem"] as const) {
        for (const line of lines[kind]) printLine(line);
        const more = counts[kind] - lines[kind].length;
        if (more > 0) printLine(`... and ${more} more ${kind}${more === 1 ? "" : "s"}.`);
        [counts[kind], lines[kind]] = [0, []];
      }
    },
  };
}
