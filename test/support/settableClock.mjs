// Loaded into a server with `--import`: a clock that can be set wrong. Each SIGUSR2 reads CLOCK_FILE again, which
// contains an offset in milliseconds, or `still` for a stopped clock.
import { readFileSync } from "node:fs";

const RealDate = Date;
let now = () => RealDate.now();

process.on("SIGUSR2", () => {
  const state = readFileSync(process.env.CLOCK_FILE, "utf8");
  const stoodAt = now();
  now = state === "still" ? () => stoodAt : () => RealDate.now() + Number(state);
  console.log(JSON.stringify({ clock: state }));
});

globalThis.Date = class extends RealDate {
  constructor(...values) {
    super(...(values.length > 0 ? values : [now()]));
  }
  static now() {
    return now();
  }
};
