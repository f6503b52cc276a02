/** The problems and warnings of an import, as the operator reads them. */

/** How many problems are printed, and how many warnings. */
export const mostPrinted = 100;

type Kind = "problem" | "warning";

export type Report = ReturnType<typeof createReport>;

/**
 * Collects problems and warnings until `print`: a progress bar would overwrite them.
 * @param name the name of the file, which each of them begins with
 */
export function createReport(name: string, printLine: (line: string) => void) {
  const counts: Record<Kind, number> = { problem: 0, warning: 0 };
  const lines: Record<Kind, string[]> = { problem: [], warning: [] };

  return {
    add(kind: Kind, line: number, text: string): void {
      counts[kind]++;
      if (counts[kind] > mostPrinted) return;
      lines[kind].push(`${name}:${line}: ${kind === "warning" ? "warning: " : ""}${text}`);
    },
    /** Counts problems that `add` was not told of. */
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
