/** Numbers as people write them in cells. */
import { describe, expect, it } from "vitest";
import { parseMapping } from "../../server/commands/import/columns.ts";
import { type NumberRange, parseNumber } from "../../server/commands/import/numbers.ts";

const credit: NumberRange = { minimum: 0, maximum: 100_000_000 };
const rate: NumberRange = { minimum: 0, maximum: 0.3 };
const any: NumberRange = {};

/** The value of a cell, or what is wrong with it. */
function read(text: string, range: NumberRange, hasDecimalComma = false): number | string {
  const parsed = parseNumber(text, range, hasDecimalComma);
  return "value" in parsed ? parsed.value : parsed.problem;
}

it.each([
  ...["0", "7", "10", "1234.567", "12.50", "-1", "-0.5", "1e3", "1E+3", "2e-12", "12.5e10", "5.000", "0.123"],
])("number: %s → read as in JSON", (text) => {
  expect(read(text, any)).toBe(Number(text));
});

it.each([
  ["0,07", 0.07],
  ["12,5", 12.5],
  ["-1,25", -1.25],
  ["1,5e3", 1500],
  ["1,5E+10", 1.5e10],
  ["1,5e-10", 1.5e-10],
  ["1234,567", 1234.567],
  ["0.123", 0.123],
  ["5.0000", 5],
  ["1234.567", 1234.567],
])("number: %s in a file with decimal commas → %d", (text, value) => {
  expect(read(text, any, true)).toBe(value);
});

it.each([
  ["5.000", "5000 or 5"],
  ["-5.000", "-5000 or -5"],
  ["12.345", "12345 or 12.3450"],
  ["123,456", "123456 or 123.4560"],
  ["5.120", "5120 or 5.12"],
  ["5.050", "5050 or 5.05"],
])("number: %s in a file with decimal commas → ambiguous", (text, readings) => {
  expect(read(text, any, true)).toBe(`is ambiguous: write ${readings}`);
});

it("number: a second reading outside the range → not ambiguous", () => {
  expect(read("5.000", { minimum: 0, maximum: 100 }, true)).toBe(5);
  expect(read("5.000", rate, true)).toBe(5);
});

describe("numbers to write instead", () => {
  it.each<[text: string, range: NumberRange, readings: string]>([
    ["01", credit, "1"],
    ["007", credit, "7"],
    ["-007", any, "-7"],
    ["00.5", credit, "0.5"],
    ["1.", credit, "1"],
    ["1e", credit, "1"],
    [".5", credit, "0.5"],
    ["-.5", any, "-0.5"],
    ["+5", credit, "5"],
    ["\u22125", any, "-5"],
    ["\uff15\uff10\uff10\uff10", credit, "5000"],
    ["$5000", credit, "5000"],
    ["100 \u20ac", credit, "100"],
    ["0.5 \u20ac", credit, "0.5"],
    ["1.5 \u20ac", credit, "1.5"],
    ["EUR5000", credit, "5000"],
    ["EURO 5000", credit, "5000"],
    ["Fr. 5000", credit, "5000"],
    ["EUR-5", any, "-5"],
    ["EUR+5", credit, "5"],
    ["5000EUR", credit, "5000"],
    ["5000 EURO", credit, "5000"],
    ["5000 Fr.", credit, "5000"],
    ["1 234 567", credit, "1234567"],
    ["1'234", credit, "1234"],
    ["1\u2019234", credit, "1234"],
    ["1_234", credit, "1234"],
    ["8%", rate, "0.08"],
    ["%8", rate, "0.08"],
    ["8 %", rate, "0.08"],
    ["\uff18\uff05", rate, "0.08"],
    ["0.7%", rate, "0.007"],
    // Out of range, so it is only a hint.
    ["8 \u20ac", rate, "8"],
    ["5,000", rate, "5000"],
    ["5,000", { minimum: 5, maximum: 5_000 }, "5000 or 5"],
    ["5,000", { minimum: 0, maximum: 100 }, "5"],
    ["5,000", { minimum: 100, maximum: 5_000 }, "5000"],
    ["1,00,000", credit, "100000"],
    ["12,34,567", credit, "1234567"],
    ["1,000,000", credit, "1000000"],
    ["123,456,789", any, "123456789"],
    ["-1,000,000", any, "-1000000"],
    ["1.00.000", credit, "100000"],
    ["12.345.678", credit, "12345678"],
    ["123.456.789", any, "123456789"],
    ["-1.000.000", any, "-1000000"],
    ["1,000,000.5", credit, "1000000.5"],
    ["1.000.000,5", credit, "1000000.5"],
    ["-1,234.5", any, "-1234.5"],
  ])("number: %s (%j) → the number to write", (text, range, readings) => {
    expect(read(text, range)).toBe(`is not a number: write ${readings}`);
  });

  it.each(["x5.000", "5.000x"])("number: %s in a file with decimal commas → both readings", (text) => {
    expect(read(text, credit, true)).toBe("is not a number: write 5000 or 5");
  });

  it.each(["x1,5", "1,5x"])("number: %s in a file with decimal commas → one reading", (text) => {
    expect(read(text, credit, true)).toBe("is not a number: write 1.5");
  });

  it.each([
    ...["", "n/a", "8%", "5+", "1EUR5", "5a600", "EUROS 5", "5 EUROS", "1 23", "1.5/2", "0x10"],
    ...["1234,567,890", "1,2,345", "1,0000,000", "1,000,0000", "1,000,00", "1,2.5", "1,2,3"],
    ...["1234.567.890", "1.2.345", "1.0000.000", "1.000.0000", "1.000.00", "1.2,5", "--5"],
  ])("number: '%s' → no reading, only the range", (text) => {
    expect(read(text, credit)).toBe("is not a number: write a number from 0 to 100000000, or leave it empty");
  });

  it("number: a percentage of at most 1 → no reading", () => {
    const problem = "is not a number: write a number from 0 to 1, or leave it empty";
    expect(read("8%", { minimum: 0, maximum: 1 })).toBe(problem);
  });
});

it.each([
  ["Their header=email", ["Their header", "email"]],
  [" Their header = Credit-Limit ", ["Their header", "creditLimit"]],
  ["a=b=name", ["a=b", "name"]],
  ["=email", undefined],
  [" =email", undefined],
  ["x=other", undefined],
  ["x=", undefined],
  ["email", undefined],
])("--map: '%s' → its header and column, if it is one", (text, mapping) => {
  expect(parseMapping(text)).toEqual(mapping);
});
