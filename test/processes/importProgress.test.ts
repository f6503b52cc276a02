import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { createProgress, type Phase } from "../../server/commands/import/progress.ts";

const phases: Phase[] = ["Validating", "Staging", "Writing"];

/** What is written to a stream of 250,000 rows in every phase. */
function captureProgress(stream: PassThrough & { isTTY?: boolean }, total?: number): string {
  // A progress bar also reads the width of the stream.
  const progress = createProgress(stream as unknown as NodeJS.WriteStream);
  for (const phase of phases) {
    progress.begin(phase, total);
    for (let rows = 0; rows <= 250_000; rows += 1_000) progress.update(rows, rows);
  }
  progress.stop();
  return String(stream.read() ?? "");
}

it("import: progress without a terminal → a line for each 100,000 rows of a phase", () => {
  expect(captureProgress(new PassThrough(), 250_000)).toBe(
    phases.flatMap((phase) => [`${phase}: 100000 rows\n`, `${phase}: 200000 rows\n`]).join(""),
  );
});

it.each([
  ["known", 250_000, "100 %"],
  ["unknown", undefined, "250000 rows"],
])("import: progress on a terminal, size %s → a bar for each phase", (_size, total, end) => {
  const terminal = Object.assign(new PassThrough(), {
    isTTY: true,
    columns: 80,
    cursorTo() {},
    clearLine() {},
  });
  const written = captureProgress(terminal, total);
  for (const phase of phases) expect(written).toContain(phase);
  expect(written).toContain(end);
});
