/** Parses numbers as people write them in cells. */

/** The range of a column's numbers, from the contract. */
export interface NumberRange {
  minimum?: number;
  maximum?: number;
}

export type ParsedNumber = { value: number } | { problem: string };

/** As in JSON. */
const plainNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** With a decimal comma and no thousands separators. */
const withDecimalComma = /^-?(0|[1-9]\d*),\d+([eE][+-]?\d+)?$/;

/** Either a thousands separator, or three decimals. */
const ambiguous = /^-?[1-9]\d{0,2}[.,]\d{3}$/;

/**
 * Parses the number in a cell. If it is not one, returns what is wrong with it and what to write instead.
 * @param hasDecimalComma whether the file uses a decimal comma, as in 0,07
 */
export function parseNumber(text: string, range: NumberRange, hasDecimalComma: boolean): ParsedNumber {
  if (hasDecimalComma && ambiguous.test(text)) {
    const readings = listReadings(text, range);
    if (readings.length > 1) return { problem: `is ambiguous: write ${readings.join(" or ")}` };
  }
  if (plainNumber.test(text)) return { value: Number(text) };
  if (hasDecimalComma && withDecimalComma.test(text)) return { value: Number(text.replace(",", ".")) };
  const readings = listReadings(text, range);
  const instead =
    readings.join(" or ") || `a number from ${range.minimum} to ${range.maximum}, or leave it empty`;
  return { problem: `is not a number: write ${instead}` };
}

/** Lists the numbers that a text may mean, in plain notation: those within the range, or all if none is. */
function listReadings(text: string, { minimum = -Infinity, maximum = Infinity }: NumberRange): string[] {
  const plain = text.normalize("NFKC");
  const isPercentage = plain.includes("%") && maximum < 1;
  // Removes a currency before or after the number, and thousands separators other than commas and dots.
  const digits = (isPercentage ? plain.replace("%", "") : plain)
    .replace(/\p{Sc}|^\p{L}{1,4}\.?(?=[\s\d+-])|(?<=[\s\d])\p{L}{1,4}\.?$/gu, "")
    .replace(/(?<=\d)[\s'’_](?=\d{3})/g, "")
    .trim()
    .replace("\u2212", "-")
    .replace(/^\+/, "");
  const readings = readSeparators(digits)
    .map((reading) => reading.replace(/^(-?)\./, "$10.").replace(/^(-?)0+(?=\d)/, "$1"))
    .filter((reading) => plainNumber.test(reading))
    .map((reading) => (isPercentage ? String(Number((Number(reading) / 100).toPrecision(15))) : reading));
  const fitting = readings.filter((reading) => Number(reading) >= minimum && Number(reading) <= maximum);
  return fitting.length > 0 ? fitting : readings.slice(0, 1);
}

/** Grouped digits (in India, groups of two), all separated by commas or all by dots. */
const grouped = /^-?\d{1,3}(?:,\d{2,3})*,\d{3}$|^-?\d{1,3}(?:\.\d{2,3})*\.\d{3}$/;

/** Lists the readings of digits with commas and dots, with a dot as the decimal separator. Some may not be numbers. */
function readSeparators(text: string): string[] {
  const at = Math.max(text.lastIndexOf("."), text.lastIndexOf(","));
  if (at < 0) return [text];
  const [start, separator, end] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
  const withoutSeparators = text.replace(/[.,]/g, "");
  if (start.includes(separator)) return grouped.test(text) ? [withoutSeparators] : [];
  if (/[.,]/.test(start) && !grouped.test(start)) return [];
  const decimals = `${start.replace(/[.,]/g, "")}${end && "."}${end}`;
  if (!ambiguous.test(text)) return [decimals];
  // Three decimals would be ambiguous again.
  return [withoutSeparators, decimals.endsWith("0") ? decimals.replace(/\.?0+$/, "") : `${decimals}0`];
}
