// Time-based codes (RFC 6238, SHA-1): pure functions of key, time and digits.
import { createHmac } from 'node:crypto';

export interface TotpParameters {
  readonly key: Buffer;
  /** Seconds a code lasts. */
  readonly step: number;
  readonly t0: number;
  readonly digits: number;
}

/** The code of one step; RFC 4226 §5.3. */
export function codeOfStep({ key, digits }: TotpParameters, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac[mac.length - 1] ?? 0) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

export function stepAt({ step, t0 }: TotpParameters, nowMs: number): number {
  return Math.floor((Math.floor(nowMs / 1000) - t0) / step);
}

/**
 * The step whose code was typed, within `tolerance` steps of now plus the device's learnt drift; steps up to `lastUsed` are
 * spent. `undefined` when none matches. Compares as numbers, like the devices people have.
 */
export function matchingStep(
  parameters: TotpParameters,
  typed: string,
  nowMs: number,
  { drift, tolerance, lastUsed }: { readonly drift: number; readonly tolerance: number; readonly lastUsed: number },
): number | undefined {
  if (!/^\d{1,8}$/.test(typed)) return undefined;
  const now = stepAt(parameters, nowMs) + drift;
  for (let step = now - tolerance; step <= now + tolerance; step += 1)
    if (step > lastUsed && Number(codeOfStep(parameters, step)) === Number(typed)) return step;
  return undefined;
}
