/** Shows the progress of an import on standard error: a bar on a terminal, occasional lines elsewhere. */
import { SingleBar } from "cli-progress";

/** The phases of an import, in order. */
export type Phase = "Validating" | "Staging" | "Writing";

export interface Progress {
  /** @param total the total amount of work, if known */
  begin(phase: Phase, total?: number): void;
  /** @param done the amount of work done so far */
  update(done: number, rows: number): void;
  stop(): void;
}

/** Without a terminal, a line is printed each time this many rows are done. */
const reportEvery = 100_000;

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? createBar(stream) : createLines(stream);
}

function createBar(stream: NodeJS.WriteStream): Progress {
  let bar: SingleBar | undefined;
  return {
    begin(phase, total) {
      bar?.stop();
      const share = total === undefined ? "" : "{bar} {percentage} % | ";
      bar = new SingleBar({
        format: `${phase.padEnd(10)} ${share}{rows} rows | {duration_formatted}`,
        stream,
      });
      bar.start(total ?? 0, 0, { rows: 0 });
    },
    update: (done, rows) => bar?.update(done, { rows }),
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

function createLines(stream: NodeJS.WriteStream): Progress {
  let [phase, reported] = ["", 0];
  return {
    begin(next) {
      [phase, reported] = [next, 0];
    },
    update(_done, rows) {
      if (rows < reported + reportEvery) return;
      reported = rows - (rows % reportEvery);
      stream.write(`${phase}: ${rows} rows\n`);
    },
    stop() {},
  };
}
