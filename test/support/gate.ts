/** A gate that opens once a number of callers have arrived; until then, each of them waits. */
export interface Gate {
  /** How many callers have arrived, including those after it opened. */
  readonly arrivals: number;
  /** Resolves when the gate opens. */
  readonly opened: Promise<void>;
  /** Arrives, and waits until the gate opens. */
  arrive(): Promise<void>;
}

/**
 * Creates a gate.
 * @param count the number of callers that open it
 */
export function createGate(count: number): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrivals = 0;
  return {
    get arrivals() {
      return arrivals;
    },
    opened,
    arrive() {
      arrivals += 1;
      if (arrivals === count) open();
      return opened;
    },
  };
}
