// Waits for something that another process does, by asking again; gives up loudly.

/** Resolves with the first answer that is not `undefined`, `false` or a throw. @throws after `timeoutMs`, with the last reason */
export async function until<T>(ask: () => Promise<T> | T, timeoutMs = 10_000): Promise<Exclude<T, undefined | false>> {
  const endMs = Date.now() + timeoutMs;
  let reason: unknown = 'it never came true';
  while (Date.now() < endMs) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    } catch (error) {
      reason = error;
    }
    await new Promise((again) => setTimeout(again, 25));
  }
  throw new Error(`gave up after ${timeoutMs} ms: ${String(reason)}`);
}
