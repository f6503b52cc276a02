import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { startServer } from "../support/server.ts";

it("deadline: statements that take over 1.75 s → 503, logged once, no later effect", async () => {
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

it("deadline: body takes 2 s → 201, the statement after it 2.5 s → 503", async () => {
  let delay = 0;
  const server = await startServer({
    onStatement: async ({ sql }) => {
      if (/insert into .customers/.test(sql)) await sleep(delay);
    },
  });
  onTestFinished(() => server.stop());
  const { key } = await server.partner();
  /** Creates a customer with a body whose second half follows after a while. */
  const create = async (email: string, pause: number) => {
    const body = JSON.stringify({ email });
    const socket = connect(server.port, "127.0.0.1");
    socket.write(
      `POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    await sleep(pause);
    socket.write(body.slice(5));
    return (await text(socket)).split(" ")[1];
  };
  expect(await create("slow-body@x.example", 2_000)).toBe("201");
  delay = 2_500;
  expect(await create("slow-statement@x.example", 10)).toBe("503");
  // Until the statement has finished as well.
  await sleep(1_000);
});

it("deadline: key lookup that takes 2 s → 503, the operation is not performed", async () => {
  let isSlow = false;
  const performed: string[] = [];
  const server = await startServer({
    onStatement: async ({ sql }) => {
      if (isSlow && /api_keys/.test(sql)) await sleep(2_000);
      if (/customers/.test(sql)) performed.push(sql);
    },
  });
  onTestFinished(() => server.stop());
  const { send } = await server.partner();
  isSlow = true;
  const statuses = await Promise.all([
    send("GET", "/customers").then(({ status }) => status),
    send("POST", "/customers", { email: "late@x.example" }).then(({ status }) => status),
  ]);
  expect(statuses).toEqual([503, 503]);
  await sleep(500);
  expect(performed).toEqual([]);
});
