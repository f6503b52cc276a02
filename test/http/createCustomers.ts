import type { Partner } from "../support/partner.ts";

/** Creates customers concurrently; returns their IDs, newest first. */
export async function createCustomers(partner: Partner, count: number): Promise<string[]> {
  const sent = await Promise.all(
    Array.from({ length: count }, (_, n) => partner.send("POST", "/customers", { email: `n${n}@x.example` })),
  );
  return sent
    .map(({ body }) => body.data.id as string)
    .sort()
    .reverse();
}

/** Lists the IDs of a page. */
export const listIds = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);
