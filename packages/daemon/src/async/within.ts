// A time limit together with other reasons to give up. `AbortSignal.any` refers to its sources weakly: a limit that nobody
// else holds is collected with the next garbage, and never comes (nodejs/node issue 57736).

/** Aborted after `ms`, or with any of the others. Costs a timer for as long, which keeps no process alive. */
export function within(ms: number, ...others: readonly AbortSignal[]): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  setTimeout(() => limit.aborted, ms + 1).unref(); // holds it until then
  return AbortSignal.any([limit, ...others]);
}
