/**
 * Loaded before a server: kills it, as `kill -9` does, before the statement of its migrations with the number
 * KILL_BEFORE, counted from 1.
 */
import Sqlite from "better-sqlite3";
import pg from "pg";

let count = 0;

for (const [prototype, name] of [
  [Sqlite.prototype, "exec"],
  [pg.Client.prototype, "query"],
]) {
  const original = prototype[name];
  prototype[name] = function (sql, ...rest) {
    const isFirst = /^create table if not exists migrations/.test(sql);
    if ((isFirst || count > 0) && ++count === Number(process.env.KILL_BEFORE))
      process.kill(process.pid, "SIGKILL");
    return original.call(this, sql, ...rest);
  };
}
