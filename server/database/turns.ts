/** Shares the database fairly among companies: the expensive work of each waits in its own queue. */
import { UnavailableError } from "../errors.ts";

/** The work of a company, in progress and in its queue. */
interface Share {
  inProgress: number;
  waiting: (() => void)[];
}

/**
 * Returns a function that runs a company's work once fewer than `concurrent` pieces of its work are in progress. It
 * rejects with an UnavailableError if that takes too long.
 */
export function createTurns({
  concurrent,
  timeoutInMilliseconds,
}: {
  concurrent: number;
  timeoutInMilliseconds: number;
}): <Result>(companyId: string, work: () => Promise<Result>) => Promise<Result> {
  const shares = new Map<string, Share>();

  function waitForTurn({ waiting }: Share): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(new UnavailableError("too many concurrent searches or writes of one company"));
      }, timeoutInMilliseconds);
      function begin(): void {
        clearTimeout(timer);
        resolve();
      }
      waiting.push(begin);
    });
  }

  return async (companyId, work) => {
    let share = shares.get(companyId);
    if (!share) {
      share = { inProgress: 0, waiting: [] };
      shares.set(companyId, share);
    }
    if (share.inProgress >= concurrent) await waitForTurn(share);
    else share.inProgress += 1;
    try {
      return await work();
    } finally {
      // The next in the queue takes its place.
      const next = share.waiting.shift();
      if (next) next();
      else {
        share.inProgress -= 1;
        if (share.inProgress === 0) shares.delete(companyId);
      }
    }
  };
}
