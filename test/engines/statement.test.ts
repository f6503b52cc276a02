import { expect, it, onTestFinished } from "vitest";
import { bindValues, named } from "../../server/database/statement.ts";
import { startServer } from "../support/server.ts";

it("prepare: bound value that begins with a colon → data, not a name", async () => {
  const server = await startServer();
  onTestFinished(server.stop);
  const { knex, prepare, read } = server.database;
  const statement = prepare<{ fixed: string; given: string }>(
    knex.select({ fixed: knex.raw("?", [":given"]), given: knex.raw("?", [named("given")]) }),
  );
  expect(await read(statement, { given: ":fixed" })).toEqual([{ fixed: ":given", given: ":fixed" }]);
  expect(() => bindValues(statement, {})).toThrow(new TypeError("No value for given"));
});
