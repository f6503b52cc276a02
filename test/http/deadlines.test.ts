import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { startServer } from "../support/server.ts";

it("deadline: statements that take over 1.75 s → 503, logged once, no effect later", async () => {
  let delay = 0;
  const server = await startServer({
    onStatement: async ({ sql }) => {
      if (/customers/.test(sql)) await sleep(delay);
    },
  });
  onTestFinished(() => server.stop());
  const partner = await server.partner();
  delay = 2_500;
  const path = "/customers/01a214b6-a86b-7256-a4f2-52ef81b87e30";
  const { status, body, headers } = await partner.send("GET", path);
  expect([status, body.error]).toEqual([503, "Service temporarily unavailable."]);
  expect(headers.get("Retry-After")).toBe("1");
  // Until the operation has finished as well.
  await sleep(1_500);
  const lines = server.logLines.filter(({ msg }) => msg === "database unavailable");
  expect(lines).toMatchObject([{ level: 40, err: { type: "UnavailableError" } }]);
  delay = 0;
  expect((await partner.send("GET", path)).status).toBe(404);
});
