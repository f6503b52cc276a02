/**
 * Tracing. The spans come from the OpenTelemetry SDK that the operator has loaded before the server. By itself, the SDK
 * knows only the method and target of a request. This module is loaded only if an environment variable OTEL_* is set.
 */
import { trace } from "@opentelemetry/api";
import { basePath, type Operation } from "./contract.ts";

export interface Tracing {
  /** Removes the query, and with it search terms, from the span of the current request. */
  hideQuery(): void;
  /** Names the span of the current request after its operation. */
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
