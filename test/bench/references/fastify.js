/**
 * A common alternative: Fastify, ajv schemas, compiled serialization, prepared statements of better-sqlite3
 * or named ones of pg.
 */
import * as common from "./common.js";
import { createFastify } from "./fastifyApp.js";

const isPostgres = common.databaseUrl.startsWith("postgres");
const statements = await import(isPostgres ? "./postgresStatements.js" : "./sqliteStatements.js");
const { CustomerCreate, CustomerUpdate, CustomerEnvelope, CustomerList } = common.schemas;
const app = createFastify(statements.ping);

/**
 * Calls back with a value immediately, or with that of a promise once it resolves: better-sqlite3 is synchronous, pg is
 * not.
 */
const then = (value, next) => (typeof value?.then === "function" ? value.then(next) : next(value));

/** Checks the key, its rate limit and its scope before the body is read. */
const requires = (scope) => (request, reply, done) => {
  const admit = (key) => {
    request.key = key;
    reply.headers(common.limitRate(key));
    common.requireScope(key, scope);
    done();
  };
  then(statements.checkKey(request.headers.authorization), admit)?.catch(done);
};

app.get(
  common.customersPath,
  {
    config: { operationId: "listCustomers" },
    onRequest: requires("customers:read"),
    schema: { querystring: common.listQuery, response: { 200: CustomerList } },
  },
  async (request) => {
    const limit = common.clampLimit(request.query.limit);
    const rows = await statements.listCustomers(request.key.companyId, { ...request.query, limit });
    return common.toPage(rows, limit);
  },
);

/** Sends the customer that was read or written. */
function send(reply, row) {
  reply.header("ETag", common.entityTag(row)).send({ data: common.toCustomer(row) });
}

app.get(
  `${common.customersPath}/:id`,
  {
    config: { operationId: "getCustomer" },
    onRequest: requires("customers:read"),
    schema: { response: { 200: CustomerEnvelope } },
  },
  (request, reply) =>
    then(statements.getCustomer(request.key.companyId, request.params.id), (row) =>
      send(reply, common.found(row)),
    ),
);

app.post(
  common.customersPath,
  {
    config: { operationId: "createCustomer" },
    onRequest: requires("customers:write"),
    schema: { body: CustomerCreate, response: { 201: CustomerEnvelope } },
  },
  (request, reply) => {
    const row = common.newRow(request.key.companyId, request.body, request.key.id);
    return then(statements.insertCustomer(row), (isNew) => {
      if (!isNew) throw common.emailTaken();
      send(reply.code(201).header("Location", common.formatLocation(row.id)), row);
    });
  },
);

app.patch(
  `${common.customersPath}/:id`,
  {
    config: { operationId: "updateCustomer" },
    onRequest: requires("customers:write"),
    schema: { body: CustomerUpdate, response: { 200: CustomerEnvelope } },
  },
  (request, reply) => {
    const values = common.changedValues(request.body);
    return then(statements.updateCustomer(request.key, request.params.id, values), (row) =>
      send(reply, common.found(row)),
    );
  },
);

await app.listen({ port: common.port, host: common.host });
