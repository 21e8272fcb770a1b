// What visitors read who cannot be sent back to a client.
import type { ApiReply } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import { messagePage } from '../pages/message.ts';

/** One sentence under the heading that the request was denied. */
export function refusalPage(deps: CoreDeps, reply: ApiReply, { status, text }: { status: number; text: string }) {
  return messagePage(deps, reply, { status, title: 'Request denied', text });
}
