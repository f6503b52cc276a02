/** Shared by both Fastify references: request IDs, headers, the log, errors and readiness. */
import fastify from "fastify";
import * as common from "./common.js";

/** @param ping resolves when the database responds */
export function createFastify(ping) {
  const app = fastify({
    // Its own logger would write two lines for each request.
    logger: false,
    genReqId: common.chooseRequestId,
    bodyLimit: common.maxBodyBytes,
    ajv: { customOptions: common.ajvOptions },
  });
  app.decorateRequest("startedAt", 0);
  app.decorateRequest("key", null);
  app.decorateRequest("deadline", null);
  app.addHook("onRequest", (request, reply, done) => {
    request.startedAt = performance.now();
    request.deadline = common.startDeadline(expire, reply);
    reply.headers(common.commonHeaders(request.id));
    done();
  });
  app.addHook("onSend", (request, reply, body, done) => {
    common.sampleResponse(request.routeOptions.config.operationId, reply.statusCode, body);
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    clearTimeout(request.deadline);
    const { operationId } = request.routeOptions.config;
    common.logRequest(request.id, request.raw, operationId, request.key, reply.statusCode, request.startedAt);
    done();
  });
  app.setErrorHandler((error, _request, reply) => {
    const { status, headers, body } = common.toErrorResponse(asHttpError(error));
    reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler(() => {
    throw new common.HttpError(404, "Not found.");
  });
  app.get("/readyz", async () => {
    await ping();
    return { status: "ready" };
  });
  return app;
}

function expire(reply) {
  if (!reply.sent) reply.send(new common.HttpError(503, "Service temporarily unavailable."));
}

function asHttpError(error) {
  // fastify-openapi-glue wraps the error of a security handler.
  if (error.errors?.[0] instanceof common.HttpError) return error.errors[0];
  if (error.validation) return common.createViolationError(error.validation[0]);
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new common.HttpError(413, "Request body is too large.");
  if (error.code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new common.HttpError(415, "Content-Type must be application/json.");
  if (error.statusCode === 400) return new common.HttpError(400, "Invalid JSON body.");
  return error;
}
