/** The data of the benchmark, written by the server's own code, and the requests for it. */
import { randomBytes } from "node:crypto";
import { type ApiKey, createApiKeys } from "../../server/apiKeys.ts";
import { basePath, scopes } from "../../server/contract.ts";
import { newCustomer } from "../../server/customers.ts";
import { connectDatabase } from "../../server/database/connect.ts";
import { createCustomerTable } from "../../server/database/customers.ts";
import { createKeyAdministration } from "../../server/keyAdministration.ts";
import type { Call } from "../../server/operations.ts";
import type { LoadRequest } from "./load.ts";

export interface BenchData {
  /** A key of the large company with both scopes. */
  key: string;
  /** A key of the large company that may only read. */
  readKey: string;
  /** The customers of the large company, oldest first. */
  ids: string[];
  /** The ID of a customer of another company. */
  foreignId: string;
}

const towns = ["Aarhus", "Bergen", "Cádiz", "Delft", "Évora", "Faro", "Gent", "Halle", "İzmir", "Jena"];
const trades = [
  ...["Bakery", "Brewery", "Butcher", "Canteen", "Chocolaterie", "Creamery", "Delicatessen", "Diner"],
  ...["Fishmonger", "Greengrocer", "Hotel", "Kiosk", "Patisserie", "Pizzeria", "Roastery", "Steakhouse"],
  ...["Tavern", "Teahouse", "Trattoria", "Vinothek"],
];

/** Returns the body that creates customer `index` of a company; every fifth has only an email. */
function customer(index: number): Call<"createCustomer">["body"] {
  const trade = trades[index % trades.length] as string;
  const town = towns[Math.floor(index / trades.length) % towns.length];
  const email = `Orders.${index}@${trade.toLowerCase()}${index % 97}.example`;
  if (index % 5 === 4) return { email, status: "ACTIVE" };
  return {
    email,
    name: `${trade} ${town} ${index}`,
    status: index % 11 === 0 ? "BLOCKED" : "ACTIVE",
    notes: "Delivers on Tuesdays. Ring twice, the door to the yard is the blue one.",
    creditLimit: (index % 200) * 50,
    taxRateOverride: index % 3 === 0 ? 0.07 : null,
  };
}

/** Fills a new database: one company with `customers` customers, and five with a hundredth of that each. */
export async function createData(databaseUrl: string, customers: number): Promise<BenchData> {
  // A thousand customers in one write.
  const database = await connectDatabase({ url: databaseUrl, statementTimeoutInMilliseconds: 60_000 });
  const apiKeys = createApiKeys(database);
  const keyAdministration = createKeyAdministration(database);
  const table = createCustomerTable(database);

  async function fill(company: string, count: number) {
    const key = await keyAdministration.create({ company, scopes });
    const { id: keyId, companyId } = (await apiKeys.find(`Bearer ${key}`)) as ApiKey;
    const ids: string[] = [];
    for (let start = 0; start < count; start += 1000) {
      const length = Math.min(1000, count - start);
      const rows = Array.from({ length }, (_, index) => newCustomer(customer(start + index)));
      ids.push(...rows.map(({ id }) => id));
      await database.write(rows.map((row) => table.buildInsert(companyId, row, keyId)));
    }
    return { key, ids };
  }

  const others: string[] = [];
  for (const company of ["b", "c", "d"]) others.push(...(await fill(company, customers / 100)).ids);
  const { key, ids } = await fill("large", customers);
  for (const company of ["e", "f"]) await fill(company, customers / 100);
  const readKey = await keyAdministration.create({ company: "large", scopes: ["customers:read"] });
  await database.close();
  return { key, readKey, ids: ids.sort(), foreignId: others[0] as string };
}

/** The timed operations, in the order of the table. */
export const operations = ["get", "list of 50", "search", "create", "update"] as const;
export type OperationName = (typeof operations)[number];

/** The number of requests of each operation relative to get: slower ones need fewer. */
export const shares: Record<OperationName, number> = {
  get: 1,
  "list of 50": 0.5,
  search: 0.25,
  create: 0.5,
  update: 0.5,
};

/** Builds the requests of each operation, no two in a row for the same customer. */
export function buildRequests({
  key,
  ids,
}: Pick<BenchData, "key" | "ids">): Record<OperationName, () => LoadRequest> {
  let count = 0;
  const run = randomBytes(4).toString("hex");
  // A prime step visits all customers, in an order that makes caches useless.
  const someId = () => ids[(++count * 7919) % ids.length] as string;
  const path = `${basePath}/customers`;
  const head = (method: string, target: string) =>
    `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nAccept: application/json\r\nUser-Agent: bench\r\n`;
  const read = (target: string) => ({ bytes: `${head("GET", target)}\r\n`, status: 200 });
  const write = (method: string, target: string, status: number, body: object) => {
    const text = JSON.stringify(body);
    return {
      bytes: `${head(method, target)}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      status,
    };
  };
  return {
    get: () => read(`${path}/${someId()}`),
    "list of 50": () => read(`${path}?limit=50&cursor=${someId()}`),
    search: () => read(`${path}?limit=50&search=${trades[++count % trades.length]?.toLowerCase()}`),
    create: () => {
      const body = customer(++count);
      return write("POST", path, 201, { ...body, email: `${run}.${body.email}` });
    },
    update: () => {
      const id = someId();
      return write("PATCH", `${path}/${id}`, 200, { creditLimit: count + 0.5, notes: `Call ${count}.` });
    },
  };
}
