// Long work in slices between which others run. `setImmediate` alone is not enough: whatever waits for it resumes in one turn
// of the event loop, so sixteen slices of 4 ms are one pause of 64. Here one slice has a turn, in the order of asking.

const waiting: (() => void)[] = [];

/** Resolves in a turn of the event loop that no other slice has; behind those who asked before. */
export function nextTurn(): Promise<void> {
  return new Promise((resume) => {
    if (waiting.push(resume) === 1) setImmediate(resumeOne);
  });
}

function resumeOne(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(resumeOne); // not before the events of the next turn
}

/** Whether slices wait: whoever begins now keeps his first one short, since he has not waited for it. */
export function othersWait(): boolean {
  return waiting.length > 0;
}

/**
 * Work that has many short pieces, some at a stretch.
 * @returns what is waited for between pieces: nothing until `ms` are over, then one's turn
 */
export function stretches(ms: number): () => Promise<void> | undefined {
  let endMs = performance.now() + ms;
  return () => {
    if (performance.now() < endMs) return undefined;
    return nextTurn().then(() => {
      endMs = performance.now() + ms;
    });
  };
}
