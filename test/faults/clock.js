// Loaded into a server before its program (`--import`): a clock that can be set wrong. Whatever comes
// as a signal SIGUSR2 reads the file of CLOCK_FILE anew: milliseconds by which the clock is off, or
// `still` for a clock that stands.
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
