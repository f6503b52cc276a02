/**
 * Traces. The spans are those of the OpenTelemetry SDK that the operator has loaded before the server; it
 * knows of a request no more than its method and path. Loaded only where a variable OTEL_* is set.
 */
import { trace } from "@opentelemetry/api";
import { basePath, type Operation } from "./contract.ts";

/** Names the span of the request that is being answered by its operation, and takes what is searched out of it. */
export function nameSpan({ operationId, route }: Operation): void {
  trace
    .getActiveSpan()
    ?.updateName(operationId)
    .setAttributes({ "http.route": basePath + route.openApiRoute, "url.query": "REDACTED" });
}
