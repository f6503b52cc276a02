/** Compares a sample of responses with the contract after they have been sent, so it affects none of them. */
import type { Logger } from "pino";
import type { Exchange } from "./exchange.ts";
import type { OperationId } from "./operations.ts";

/** Takes an exchange whose response has been sent, and may check it later. */
export type DriftCheck = (exchange: Exchange) => void;

/**
 * Creates the drift check. This compiles the contract's response schemas, which takes a tenth of a second, so call it
 * before the server listens.
 *
 * The check compares one in `oneIn` responses, at random, each in its own turn of the event loop. The log lines omit
 * the values in responses, which are customers' data.
 * @param checked called for each response that was checked
 */
export async function createDriftCheck(
  oneIn: number,
  log: Logger,
  checked?: (operationId: OperationId | undefined, isDifferent: boolean) => void,
): Promise<DriftCheck> {
  const { compileContract, findDifferences } = await import("./contractCheck.ts");
  compileContract();

  function check({ request, target, requestId, operation, headers, sent }: Exchange): void {
    if (!sent) return;
    const { method } = request;
    const found = findDifferences({
      method,
      target,
      status: sent.status,
      body: (method !== "HEAD" && sent.body) || "",
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
      ),
    });
    checked?.(operation?.operationId, found.length > 0);
    if (found.length === 0) return;
    const differences = found.map(({ where, contract }) => `${where}: ${contract}`);
    log.error(
      { requestId, operationId: operation?.operationId, status: sent.status, differences },
      "response differs from the contract",
    );
  }

  return (exchange) => {
    if (Math.random() * oneIn >= 1) return;
    setImmediate(() => {
      try {
        check(exchange);
      } catch (err) {
        log.error({ err }, "the drift check failed");
      }
    });
  };
}
