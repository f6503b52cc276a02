/**
 * The same stack, used as its documentation shows: Express, express.json, express-openapi-validator with its security
 * handlers, res.json, and Knex queries built where they are needed.
 */
import express from "express";
import * as OpenApiValidator from "express-openapi-validator";
import * as common from "./common.js";
import * as queries from "./queries.js";

const app = express();
app.disable("x-powered-by");
// Otherwise a list would get an entity tag, which the contract does not have.
app.disable("etag");

app.use((request, response, next) => {
  const startedAt = performance.now();
  const requestId = common.chooseRequestId(request);
  response.set(common.commonHeaders(requestId));
  const deadline = common.startDeadline(() => {
    if (!response.headersSent) response.status(503).json({ error: "Service temporarily unavailable." });
  });
  response.on("finish", () => {
    clearTimeout(deadline);
    const { operationId } = request.openapi?.schema ?? {};
    common.logRequest(requestId, request, operationId, request.key, response.statusCode, startedAt);
  });
  next();
});

app.get("/readyz", async (_request, response) => {
  await queries.ping();
  response.json({ status: "ready" });
});

app.use(express.json({ limit: common.maxBodyBytes }));
app.use(
  OpenApiValidator.middleware({
    apiSpec: common.contractFile,
    validateRequests: true,
    validateSecurity: {
      handlers: {
        async apiKey(request) {
          request.key = await queries.checkKey(request.headers.authorization);
          request.res.set(common.limitRate(request.key));
          common.requireScope(request.key, request.openapi.schema["x-required-scopes"][0]);
          return true;
        },
      },
    },
  }),
);

app.get(common.customersPath, async (request, response) => {
  const limit = common.clampLimit(request.query.limit);
  const rows = await queries.listCustomers(request.key.companyId, { ...request.query, limit });
  response.json(common.toPage(rows, limit));
});

app.get(`${common.customersPath}/:id`, async (request, response) => {
  const row = common.found(await queries.getCustomer(request.key.companyId, request.params.id));
  response.set("ETag", common.entityTag(row)).json({ data: common.toCustomer(row) });
});

app.post(common.customersPath, async (request, response) => {
  const row = common.newRow(request.key.companyId, request.body, request.key.id);
  if (!(await queries.insertCustomer(row))) throw common.emailTaken();
  response
    .status(201)
    .set({ Location: common.formatLocation(row.id), ETag: common.entityTag(row) })
    .json({ data: common.toCustomer(row) });
});

app.patch(`${common.customersPath}/:id`, async (request, response) => {
  const values = common.changedValues(request.body);
  const row = common.found(await queries.updateCustomer(request.key, request.params.id, values));
  response.set("ETag", common.entityTag(row)).json({ data: common.toCustomer(row) });
});

app.use(() => {
  throw new common.HttpError(404, "Not found.");
});

app.use((error, request, response, _next) => {
  const { status, headers, body } = common.toErrorResponse(asHttpError(error, request));
  response.status(status).set(headers).json(body);
});

app.listen(common.port, common.host);

/** Returns the contract's error message for an error of the validator, its security handlers or express.json. */
function asHttpError(error, request) {
  if (error instanceof common.HttpError || error.status === undefined) return error;
  const [violation] = error.errors ?? [];
  if (error.status === 400 && violation?.errorCode) {
    const [, place, field] = violation.path.split("/");
    if (field === undefined) return new common.HttpError(400, "Invalid JSON body.");
    const bodySchema =
      request.method === "POST" ? common.schemas.CustomerCreate : common.schemas.CustomerUpdate;
    const schema = (place === "body" ? bodySchema : common.listQuery).properties[field];
    const keyword = violation.errorCode.split(".")[0];
    return new common.HttpError(400, schema ? common.findMessage(schema, keyword) : "Unknown field.", field);
  }
  // The validator rejects a missing header by itself.
  if (error.status === 401 && !error.message.startsWith("This")) return common.missingKey();
  if (error.status === 404) return new common.HttpError(404, "Not found.");
  if (error.status === 405) return new common.HttpError(405, "Method not allowed.");
  if (error.status === 413) return new common.HttpError(413, "Request body is too large.");
  if (error.status === 415) return new common.HttpError(415, "Content-Type must be application/json.");
  if (error.status === 400) return new common.HttpError(400, "Invalid JSON body.");
  return new common.HttpError(error.status, error.message);
}
