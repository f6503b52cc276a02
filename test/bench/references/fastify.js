/** What many would pick instead: Fastify, ajv schemas, compiled serialisation, prepared statements. */
import * as common from "./common.js";
import { createFastify } from "./fastifyApp.js";
import * as statements from "./statements.js";

const { CustomerCreate, CustomerUpdate, CustomerEnvelope, CustomerList } = common.schemas;
const app = createFastify(statements.ping);

/** The key and its scope, before the body is read. */
const requires = (scope) => (request, _reply, done) => {
  request.key = statements.checkKey(request.headers.authorization);
  common.requireScope(request.key, scope);
  done();
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
    return common.pageOf(rows, limit);
  },
);

app.get(
  `${common.customersPath}/:id`,
  {
    config: { operationId: "getCustomer" },
    onRequest: requires("customers:read"),
    schema: { response: { 200: CustomerEnvelope } },
  },
  (request, reply) => {
    const row = common.found(statements.getCustomer(request.key.companyId, request.params.id));
    reply.header("ETag", common.entityTag(row)).send({ data: common.toCustomer(row) });
  },
);

app.post(
  common.customersPath,
  {
    config: { operationId: "createCustomer" },
    onRequest: requires("customers:write"),
    schema: { body: CustomerCreate, response: { 201: CustomerEnvelope } },
  },
  (request, reply) => {
    const row = common.newRow(request.key.companyId, request.body);
    if (!statements.insertCustomer(row)) throw common.emailTaken();
    reply
      .code(201)
      .headers({ Location: common.locationOf(row.id), ETag: common.entityTag(row) })
      .send({ data: common.toCustomer(row) });
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
    const row = common.found(statements.updateCustomer(request.key.companyId, request.params.id, values));
    reply.header("ETag", common.entityTag(row)).send({ data: common.toCustomer(row) });
  },
);

await app.listen({ port: common.port, host: common.host });
