/** Realistic customers: names in several alphabets, few domains, numbers; the same on every run. */
import type { Call } from "../../server/operations.ts";

type Body = Call<"createCustomer">["body"];

/** Groups of names: the parts of their names, and their percentages. */
const origins = [
  {
    share: 62,
    given: [
      ...["Anna", "Maria", "José", "Thomas", "Sophie", "Łukasz", "Zoë", "Jürgen", "Fernanda", "François"],
      ...["Ingrid", "Søren", "Chiara", "Marek", "Aoife", "Björn", "Renée", "Hannah", "Mehmet", "Nguyễn"],
    ],
    family: [
      ...["Müller", "García", "Rossi", "Johansson", "Kowalski", "O'Brien", "van den Berg", "Dupont"],
      ...["Ferreira", "Novák", "Yılmaz", "Andersen", "Smith", "Castellanos", "Björnsdóttir", "Weiß"],
      ...["Trần", "Hartmann", "Lindqvist", "Popescu", "Horvat", "MacDonald", "Oliveira", "Schneider"],
    ],
  },
  {
    share: 12,
    given: ["Анна", "Дмитрий", "Ольга", "Сергей", "Наталья", "Іван"],
    family: ["Петрова", "Смирнов", "Шевченко", "Кузнецов", "Попов", "Щербаков"],
  },
  {
    share: 8,
    given: ["Γιώργος", "Ελένη", "Κώστας", "Σοφία"],
    family: ["Παπαδόπουλος", "Βασιλείου", "Νικολάου", "Οικονόμου"],
  },
  {
    share: 10,
    given: ["伟", "芳", "さくら", "健太", "민준", "서연"],
    family: ["王", "李", "佐藤", "鈴木", "김", "이"],
  },
  {
    share: 8,
    given: ["محمد", "فاطمة", "שרה", "דוד", "आरव", "प्रिया"],
    family: ["العلي", "حسن", "כהן", "לוי", "शर्मा", "पटेल"],
  },
];
const trades = ["Bakery", "Café", "Hotel", "Trattoria", "Roastery", "Delicatessen", "Brasserie", "Tavern"];
const towns = ["Aarhus", "Bergen", "Cádiz", "Delft", "Évora", "Gent", "Kraków", "München", "Zürich", "İzmir"];
/** The percentage of each domain; all other customers have one of a thousand domains. */
const domains = { "gmail.example": 40, "outlook.example": 18, "yahoo.example": 8, "gmx.example": 6 };

/** One in this many customers has a rare character. */
const rareCharacterEvery = 5_000;
/** One in this many customers is blocked. */
const blockedEvery = 1_000;

/** Search terms, with and without matches among the customers below. */
export const terms = {
  /** In four emails in ten. */
  common: "@gmail.example",
  /** In about one customer in thirty. */
  name: "maria",
  commonCharacter: "a",
  /** In most of the oldest customers, and in no others, if a benchmark adds it. */
  old: "(before 2020)",
  /** In one name in five thousand. */
  rareCharacter: "ꙮ",
  noMatch: "nobody at all",
  /** In no customer, although each of its trigrams is in many customers. */
  commonTrigramsNoMatch: "annanna",
  twoCharacters: "ma",
  twoCharactersNoMatch: "xq",
  symbols: "@@",
  /** Its word is in every email, but nowhere followed by `@`. */
  wordOfAllNoMatch: "example@",
  /** In very many different words of the company with the large vocabulary, and in no name of the large company. */
  inVocabularyOfAnother: "ꙩ",
  /** In the email of one customer. */
  rare: serial,
};

/**
 * Returns the number in the email of customer `index`. The numbers of consecutive customers have no digits in common.
 */
function serial(index: number): string {
  return String((index * 7_654_321 + 1_234_567) % 9_999_991).padStart(7, "0");
}

/** Returns customer `index` of a company. */
export function person(index: number): Body {
  const random = createRandom(index + 1);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;

  let ticket = random() * 100;
  const origin = origins.find(({ share }) => (ticket -= share) < 0) ?? origins[0];
  const given = pick(origin?.given ?? []);
  const family = pick(origin?.family ?? []);
  ticket = random() * 100;
  const common = Object.entries(domains).find(([, share]) => (ticket -= share) < 0)?.[0];
  const domain =
    common ?? `${pick(trades).toLowerCase().replace("é", "e")}${Math.floor(random() * 125)}.example`;
  const plain = (text: string) =>
    text
      .normalize("NFD")
      .toLowerCase()
      .replace(/[^a-z]/g, "") || pick(["office", "orders", "info", "shop"]);
  const email = `${plain(given)}.${plain(family)}${pick(["", ".", "_", "+"])}${serial(index)}@${domain}`;

  const isBlocked = index % blockedEvery === blockedEvery / 2;
  const sign = index % rareCharacterEvery === 0 ? ` ${terms.rareCharacter}` : "";
  const name = random() < 0.3 ? `${pick(trades)} ${family}, ${pick(towns)}` : `${given} ${family}`;
  return {
    email,
    name: random() < 0.1 && !sign ? null : name + sign,
    status: isBlocked ? "BLOCKED" : "ACTIVE",
    notes: random() < 0.5 ? "Delivers on Tuesdays. Ring twice, the door to the yard is the blue one." : null,
    creditLimit: random() < 0.4 ? Math.floor(random() * 200) * 50 : null,
    taxRateOverride: random() < 0.2 ? 0.07 : null,
  };
}

/** Generates numbers from 0 to 1 from a seed: mulberry32, by Tommy Ettinger, in the public domain. */
export function createRandom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
