/** Fair shares of the database: the expensive work of one company waits in a queue of its own. */
import { UnavailableError } from "../errors.ts";

/** What one company has in progress and in its queue. */
interface Share {
  inProgress: number;
  waiting: (() => void)[];
}

/**
 * Returns a function that runs work of a company once fewer than so many others of it are in progress. It rejects with
 * an UnavailableError where that takes too long.
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
        reject(new UnavailableError("too many expensive requests of one company at once"));
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
      // The next one takes over its place.
      const next = share.waiting.shift();
      if (next) next();
      else {
        share.inProgress -= 1;
        if (share.inProgress === 0) shares.delete(companyId);
      }
    }
  };
}
