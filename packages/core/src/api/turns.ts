// One after another: work that comes in floods begins one piece in each turn of the event loop, so that whatever else arrives
// meanwhile is taken up after the next piece and not after all of them. Alone, nobody waits.

export interface Turns {
  /** Resolves when it is one's turn; `undefined` if that is now. */
  take(): Promise<void> | undefined;
}

export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let isTaken = false;
  const next = () => {
    const begin = waiting.shift();
    isTaken = begin !== undefined;
    if (begin === undefined) return;
    begin();
    setImmediate(next);
  };
  return {
    take() {
      if (isTaken) return new Promise((resolve) => waiting.push(resolve));
      isTaken = true;
      setImmediate(next);
      return undefined;
    },
  };
}
