/** Arbitrary values for generated requests. */
import fc from "fast-check";

/** Text in which letters of different case, composed characters and pattern characters are frequent. */
export const tricky = fc.string({
  unit: fc.constantFrom(
    ..."aAbB%_*\\\"'+ .@-",
    ..."sSßẞiIıİ\u0130kK\u212aσςΣΟο",
    ..."éÉ\u0301\u0307eEåÅ\u212b\u030aﬁＡａ\u00adǅǆ",
    ..."𐐀𐐨😀\u200d\u202e가\u1100\u1161",
  ),
  minLength: 1,
  maxLength: 8,
});

/** Any code point that a field may contain; those that often break software are frequent. */
const codePoint = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0x01, max: 0xd7ff }).map(String.fromCodePoint) },
  { weight: 2, arbitrary: fc.integer({ min: 0xe000, max: 0x10ffff }).map(String.fromCodePoint) },
  { weight: 1, arbitrary: fc.integer({ min: 0x01, max: 0x1f }).map(String.fromCodePoint) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ..."\u007f\u0085\u00a0\u00ad\u0301\u0345\u200b\u200d\u200f\u202e\u2028\u2029\u2066\ufeff\ufffd\ufffe\uffff",
      ..."\u{1f468}\u{1f3fd}\u{e0001}\u{1ffff}\u{10ffff} \\\"'%_/\t\r\n",
    ),
  },
);

export function arbitraryText(maxLength: number) {
  return fc.string({ unit: codePoint, minLength: 1, maxLength, size: "max" });
}

export function arbitraryNumber(max: number) {
  return fc.oneof(
    fc.double({ min: 0, max, noNaN: true }).map((number) => number + 0), // JSON has no -0
    fc.integer({ min: 0, max: Math.floor(max * 100) }).map((cents) => cents / 100),
    fc.constantFrom(0, 5e-324, Number.MIN_VALUE * 3, 0.07, 0.1 + 0.2 - 0.1, max - max * 2 ** -53, max),
  );
}
