/** Customers as a company has them: names of several alphabets, few domains, numbers; the same on every run. */
import type { Call } from "../../server/operations.ts";

type Body = Call<"createCustomer">["body"];

/** What a part of the names is made of, and how many in a hundred come from it. */
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
/** How many in a hundred have which domain; all others have one of a thousand. */
const domains = { "gmail.example": 40, "outlook.example": 18, "yahoo.example": 8, "gmx.example": 6 };

/** One customer in so many has the character that hardly any other has. */
const rareCharacterEvery = 5_000;
/** One customer in so many is blocked. */
const blockedEvery = 1_000;

/** Terms that the customers below contain, or do not. */
export const terms = {
  /** In four emails of ten. */
  common: "@gmail.example",
  /** In about one customer of thirty. */
  name: "maria",
  commonCharacter: "a",
  /** In most of the oldest customers, and in none of the others, where a benchmark puts it. */
  old: "(before 2020)",
  /** In one name of five thousand. */
  rareCharacter: "ꙮ",
  noHit: "nobody at all",
  /** Nobody has it, though each three characters of it stand in many customers. */
  commonPartsNoHit: "annanna",
  twoCharacters: "ma",
  twoCharactersNoHit: "xq",
  symbols: "@@",
  /** Every email has its word, and none this. */
  wordOfAllNoHit: "example@",
  /** In very many different words of the company that is built to fill the vocabulary, and in no name of the large one. */
  inVocabularyOfAnother: "ꙩ",
  /** In the email of one customer. */
  rare: serial,
};

/** The number in the email of customer `index`: neighbours share no digits. */
function serial(index: number): string {
  return String((index * 7_654_321 + 1_234_567) % 9_999_991).padStart(7, "0");
}

/** Customer `index` of a company. */
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

/** Numbers from 0 to 1 that follow from a seed: mulberry32, by Tommy Ettinger, in the public domain. */
export function createRandom(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
