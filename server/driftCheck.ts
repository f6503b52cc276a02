/** Compares a sample of the answers with the contract, once they have been sent: it changes none. */
import type { IncomingMessage } from "node:http";
import type { Logger } from "pino";
import type { Exchange } from "./app.ts";
import { loggable } from "./errors.ts";
import type { OperationId } from "./operations.ts";

/** Takes an answer that was sent, and may look at it later. */
export type DriftCheck = (request: IncomingMessage, exchange: Exchange) => void;

/**
 * A check of one answer in `oneIn`, by chance, each at a turn of the event loop of its own. What it checks
 * with is loaded for the first of them.
 *
 * A difference is logged without what came: that is a customer's.
 * @param seen is told of each answer that was checked whether it differs
 */
export function createDriftCheck(
  oneIn: number,
  log: Logger,
  seen?: (operationId: OperationId | undefined, isDifferent: boolean) => void,
): DriftCheck {
  async function check({ method = "", url = "" }: IncomingMessage, exchange: Exchange): Promise<void> {
    const { requestId, operationId, headers, sent } = exchange;
    if (!sent) return;
    const { findDifferences } = await import("./contractCheck.ts");
    const found = findDifferences({
      ...{ method, target: url, status: sent.status, body: (method !== "HEAD" && sent.body) || "" },
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
      ),
    });
    seen?.(operationId, found.length > 0);
    if (found.length === 0) return;
    const differences = found.map(({ where, contract }) => `${where}: ${contract}`);
    log.error(
      { requestId, operationId, status: sent.status, differences },
      "answer differs from the contract",
    );
  }

  return (request, exchange) => {
    if (Math.random() * oneIn >= 1) return;
    setImmediate(() => {
      check(request, exchange).catch((error) =>
        log.error({ err: loggable(error) }, "the drift check failed"),
      );
    });
  };
}
