/**
 * Traces. The spans are those of the OpenTelemetry SDK that the operator has loaded before the server; it knows
 * no more of a request than its method and target. Loaded only where a variable OTEL_* is set.
 */
import { trace } from "@opentelemetry/api";
import { basePath, type Operation } from "./contract.ts";

export interface Tracing {
  /** Takes what is searched for out of the span of the current request. */
  hideQuery(): void;
  /** Names the span of the current request by its operation. */
  nameSpan(operation: Operation): void;
}

export const tracing: Tracing = {
  hideQuery() {
    trace.getActiveSpan()?.setAttributes({ "url.query": "REDACTED" });
  },
  nameSpan({ operationId, template }) {
    trace
      .getActiveSpan()
      ?.updateName(operationId)
      .setAttributes({ "http.route": basePath + template });
  },
};
