import { expect, it, onTestFinished, vi } from "vitest";
import { createRandom } from "../bench/people.ts";
import { startServer } from "../support/server.ts";

it("search: customers of many years, in pages → the same as a full scan", async () => {
  const server = await startServer({ searchWindow: 12 });
  onTestFinished(server.stop);
  const partner = await server.partner();
  const random = createRandom(7);
  const hour = 3_600_000;
  const gaps = [1, 700, 20_000, hour, 50 * hour, 1_000 * hour, 8_000 * hour];
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const names: string[] = [];
  for (let index = 0; index < 150; index += 1) {
    vi.setSystemTime(Date.now() + (gaps[Math.floor(random() * gaps.length)] as number));
    const name = `${index} ${index < 45 ? "ancient" : "modern"}${index % 50 === 3 ? " rare" : ""}${index % 3 === 0 ? " common" : ""}`;
    const status = index % 7 === 0 ? "BLOCKED" : "ACTIVE";
    await partner.send("POST", "/customers", { email: `years${index}@x.example`, name, status });
    names.unshift(name);
  }
  for (const search of ["ancient", "modern", "rare", "common", "a", "x.example", "nobody"])
    for (const status of [undefined, "BLOCKED"]) {
      const found: string[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const query = new URLSearchParams({ search, limit: "4", cursor, ...(status && { status }) });
        const { body } = await partner.send("GET", `/customers?${query}`);
        found.push(...body.data.map(({ name }: { name: string }) => name));
        cursor = body.pagination.nextCursor;
      }
      const expected = names.filter((name) => {
        const number = Number.parseInt(name, 10);
        return `years${number}@x.example ${name}`.includes(search) && (!status || number % 7 === 0);
      });
      expect(found, `${search} ${status}`).toEqual(expected);
    }
});
