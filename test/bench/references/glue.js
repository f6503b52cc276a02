/** The contract-first peer: Fastify with fastify-openapi-glue on the same contract, and Knex. */
import openapiGlue from "fastify-openapi-glue";
import * as common from "./common.js";
import { createFastify } from "./fastifyApp.js";
import * as queries from "./queries.js";

const app = createFastify(queries.ping);

const serviceHandlers = {
  async listCustomers(request) {
    const limit = common.clampLimit(request.query.limit);
    const rows = await queries.listCustomers(request.key.companyId, { ...request.query, limit });
    return common.toPage(rows, limit);
  },

  async getCustomer(request, reply) {
    const row = common.found(await queries.getCustomer(request.key.companyId, request.params.id));
    reply.header("ETag", common.entityTag(row));
    return { data: common.toCustomer(row) };
  },

  async createCustomer(request, reply) {
    const row = common.newRow(request.key.companyId, request.body, request.key.id);
    if (!(await queries.insertCustomer(row))) throw common.emailTaken();
    reply.code(201).headers({ Location: common.formatLocation(row.id), ETag: common.entityTag(row) });
    return { data: common.toCustomer(row) };
  },

  async updateCustomer(request, reply) {
    const values = common.changedValues(request.body);
    const row = common.found(await queries.updateCustomer(request.key, request.params.id, values));
    reply.header("ETag", common.entityTag(row));
    return { data: common.toCustomer(row) };
  },
};

const securityHandlers = {
  async apiKey(request, reply) {
    request.key = await queries.checkKey(request.headers.authorization);
    reply.headers(common.limitRate(request.key));
    const { method } = request;
    common.requireScope(request.key, method === "GET" ? "customers:read" : "customers:write");
  },
};

app.register(openapiGlue, {
  specification: common.contractFile,
  serviceHandlers,
  securityHandlers,
  prefix: common.basePath,
});

await app.listen({ port: common.port, host: common.host });
