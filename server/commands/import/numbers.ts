/** Numbers as people write them in cells. */

/** The numbers of a column, by the contract. */
export interface NumberRange {
  minimum?: number;
  maximum?: number;
}

export type ParsedNumber = { value: number } | { problem: string };

/** As JSON writes it. */
const plainNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** With a decimal comma, and nothing between its thousands. */
const withDecimalComma = /^-?(0|[1-9]\d*),\d+([eE][+-]?\d+)?$/;

/** What may be thousands or three decimals. */
const ambiguous = /^-?[1-9]\d{0,2}[.,]\d{3}$/;

/**
 * The number of a cell, or what is wrong with it and what to write instead.
 * @param hasDecimalComma whether the file is one of those in which a spreadsheet writes 0,07
 */
export function parseNumber(text: string, range: NumberRange, hasDecimalComma: boolean): ParsedNumber {
  if (hasDecimalComma && ambiguous.test(text)) {
    const readings = readingsOf(text, range);
    if (readings.length > 1) return { problem: `can be read as two numbers: write ${readings.join(" or ")}` };
  }
  if (plainNumber.test(text)) return { value: Number(text) };
  if (hasDecimalComma && withDecimalComma.test(text)) return { value: Number(text.replace(",", ".")) };
  const readings = readingsOf(text, range);
  const instead = readings.join(" or ") || `a number from ${range.minimum} to ${range.maximum}, or nothing`;
  return { problem: `is not a number: write ${instead}` };
}

/** The numbers that a text may mean, as they are to be written: of several, those within the range. */
function readingsOf(text: string, { minimum = -Infinity, maximum = Infinity }: NumberRange): string[] {
  const plain = text.normalize("NFKC");
  const isPercentage = plain.includes("%") && maximum < 1;
  // A currency before or behind it, and what some countries put between thousands.
  const digits = plain
    .replace(isPercentage ? /%/ : "", "")
    .replace(/\p{Sc}|^\p{L}{1,4}\.?(?=[\s\d+-])|(?<=[\s\d])\p{L}{1,4}\.?$/gu, "")
    .replace(/(?<=\d)[\s'’_](?=\d{3})/g, "")
    .trim()
    .replace("\u2212", "-")
    .replace(/^\+/, "");
  const readings = separatorsOf(digits)
    .map((reading) => reading.replace(/^(-?)\./, "$10.").replace(/^(-?)0+(?=\d)/, "$1"))
    .filter((reading) => plainNumber.test(reading))
    .map((reading) => (isPercentage ? String(Number((Number(reading) / 100).toPrecision(15))) : reading));
  const fitting = readings.filter((reading) => Number(reading) >= minimum && Number(reading) <= maximum);
  return fitting.length > 0 ? fitting : readings.slice(0, 1);
}

/** Digits in groups, of two in India, with a comma or a dot between all of them. */
const grouped = /^-?\d{1,3}(?:,\d{2,3})*,\d{3}$|^-?\d{1,3}(?:\.\d{2,3})*\.\d{3}$/;

/** The readings of a text of digits, commas and dots, with a dot before the decimals. */
function separatorsOf(text: string): string[] {
  const [, start = "", separator = "", end = ""] = /^(.*)([.,])(\d*)$/.exec(text) ?? [];
  if (separator === "") return [text];
  const withoutSeparators = text.replace(/[.,]/g, "");
  if (start.includes(separator)) return grouped.test(text) ? [withoutSeparators] : [];
  if (/[.,]/.test(start) && !grouped.test(start)) return [];
  const decimals = `${start.replace(/[.,]/g, "")}${end && "."}${end}`;
  if (!ambiguous.test(text)) return [decimals];
  // Three decimals could be taken for thousands again.
  return [withoutSeparators, decimals.endsWith("0") ? decimals.replace(/\.?0+$/, "") : `${decimals}0`];
}
