/** Plain node:http, prepared statements, JSON.stringify, and nothing else. Each write is a commit. */
import http from "node:http";
import Ajv from "ajv";
import * as common from "./common.js";
import * as statements from "./sqliteStatements.js";

const { HttpError } = common;
const ajv = new Ajv.default(common.ajvOptions);
const isListQuery = ajv.compile(common.listQuery);
const strictAjv = new Ajv.default({ ...common.ajvOptions, coerceTypes: false });
const isCreate = strictAjv.compile(common.schemas.CustomerCreate);
const isUpdate = strictAjv.compile(common.schemas.CustomerUpdate);

const operations = {
  GET: {
    collection: { operationId: "listCustomers", scope: "customers:read", run: listCustomers },
    item: { operationId: "getCustomer", scope: "customers:read", run: getCustomer },
  },
  POST: {
    collection: {
      operationId: "createCustomer",
      scope: "customers:write",
      run: createCustomer,
      isBody: isCreate,
    },
  },
  PATCH: {
    item: {
      operationId: "updateCustomer",
      scope: "customers:write",
      run: updateCustomer,
      isBody: isUpdate,
    },
  },
};

http
  .createServer(async (request, response) => {
    const startedAt = performance.now();
    const requestId = common.chooseRequestId(request);
    let operation;
    let key;
    let limits;
    const deadline = common.startDeadline(() => {
      if (!response.headersSent) send(503, {}, { error: "Service temporarily unavailable." });
    });
    response.on("finish", () => {
      clearTimeout(deadline);
      common.logRequest(requestId, request, operation?.operationId, key, response.statusCode, startedAt);
    });
    function send(status, headers, body) {
      if (response.headersSent) return;
      const text = JSON.stringify(body);
      common.sampleResponse(operation?.operationId, status, text);
      response.writeHead(status, {
        ...common.commonHeaders(requestId),
        ...limits,
        ...headers,
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(text),
      });
      response.end(text);
    }
    try {
      const mark = request.url.indexOf("?");
      const path = mark < 0 ? request.url : request.url.slice(0, mark);
      if (path === "/readyz") {
        statements.ping();
        return send(200, {}, { status: "ready" });
      }
      const place = classifyPath(path);
      operation = operations[request.method]?.[place];
      if (!operation)
        throw place ? new HttpError(405, "Method not allowed.") : new HttpError(404, "Not found.");
      key = statements.checkKey(request.headers.authorization);
      limits = common.limitRate(key);
      common.requireScope(key, operation.scope);
      const call = {
        key,
        companyId: key.companyId,
        id: path.slice(common.customersPath.length + 1),
        query: mark < 0 ? "" : request.url.slice(mark + 1),
        body: operation.isBody && (await readBody(request)),
      };
      if (operation.isBody && !operation.isBody(call.body))
        throw common.createViolationError(operation.isBody.errors[0]);
      const { status, headers, body } = await operation.run(call);
      send(status, headers, body);
    } catch (error) {
      const { status, headers, body } = common.toErrorResponse(error);
      send(status, headers, body);
    }
  })
  .listen(common.port, common.host);

function classifyPath(path) {
  if (path === common.customersPath) return "collection";
  const id = path.startsWith(`${common.customersPath}/`) && path.slice(common.customersPath.length + 1);
  return id && !id.includes("/") ? "item" : undefined;
}

function readBody(request) {
  const { "content-type": type = "", "content-length": length } = request.headers;
  if (!/^application\/json *(; *charset=utf-8 *)?$/i.test(type))
    throw new HttpError(415, "Content-Type must be application/json.");
  if (length > common.maxBodyBytes) throw new HttpError(413, "Request body is too large.");
  return new Promise((resolve, reject) => {
    const chunks = [];
    let bytes = 0;
    request.on("data", (chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > common.maxBodyBytes) reject(new HttpError(413, "Request body is too large."));
    });
    request.on("error", reject);
    request.on("end", () => {
      try {
        resolve(JSON.parse((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString()));
      } catch {
        reject(new HttpError(400, "Invalid JSON body."));
      }
    });
  });
}

function listCustomers({ companyId, query }) {
  const parameters = Object.fromEntries(new URLSearchParams(query));
  if (!isListQuery(parameters)) throw common.createViolationError(isListQuery.errors[0]);
  const limit = common.clampLimit(parameters.limit);
  const rows = statements.listCustomers(companyId, { ...parameters, limit });
  return { status: 200, headers: {}, body: common.toPage(rows, limit) };
}

function getCustomer({ companyId, id }) {
  const row = common.found(statements.getCustomer(companyId, id));
  return { status: 200, headers: { ETag: common.entityTag(row) }, body: { data: common.toCustomer(row) } };
}

function createCustomer({ key, body }) {
  const row = common.newRow(key.companyId, body, key.id);
  if (!statements.insertCustomer(row)) throw common.emailTaken();
  return {
    status: 201,
    headers: { Location: common.formatLocation(row.id), ETag: common.entityTag(row) },
    body: { data: common.toCustomer(row) },
  };
}

function updateCustomer({ key, id, body }) {
  const row = common.found(statements.updateCustomer(key, id, common.changedValues(body)));
  return { status: 200, headers: { ETag: common.entityTag(row) }, body: { data: common.toCustomer(row) } };
}
