// 429 for a client address that does too much of one thing (proxy.md §17.18).
import { page } from '../pages/page.ts';
import type { Refused } from '../request/answer.ts';
import type { RateLimit } from '../request/rate-limit.ts';
import type { ModeContext } from './context.ts';

/** Takes one from the limit. @returns the refusal, or `undefined` when the request may go on */
export function limited({ request, rooms }: ModeContext, limit: RateLimit): Refused | undefined {
  const address = rooms.limits.addressOf(request);
  const seconds = address === undefined ? 0 : limit.take(address);
  return seconds === 0 ? undefined : tooMany(request, seconds);
}

export function tooMany(request: ModeContext['request'], seconds: number): Refused {
  return page(request, {
    status: 429,
    title: 'Too many requests',
    text: `Please try again in ${seconds} s.`,
    headers: ['Retry-After', String(seconds)],
  });
}
