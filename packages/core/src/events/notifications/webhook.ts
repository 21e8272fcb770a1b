// POSTs JSON to an administrator's webhook; with an authority of its own to trust, where one is set.

import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { within } from '@gatehouse/daemon/async';

export interface WebhookCall {
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** Certificate to trust instead of the system's. */
  readonly authority: string | undefined;
  readonly signal: AbortSignal;
}

const answerMs = 30_000;

/** @returns the status, of the 200s. @throws Error for any other, and for an address that cannot be reached */
export async function postJson(address: string, call: WebhookCall): Promise<number> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new Error(`"${address}" is no address of a webhook: it must begin with http:// or https://.`);
  const status = await post(url, call);
  if (status < 200 || status > 299) throw new Error(`${url.origin} answered ${status} to a notification.`);
  return status;
}

function post(url: URL, { body, headers, authority, signal }: WebhookCall): Promise<number> {
  const text = JSON.stringify(body ?? null);
  const options = {
    method: 'POST',
    signal: within(answerMs, signal),
    headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers },
    ...(authority === undefined ? {} : { ca: authority }),
  };
  const start = url.protocol === 'https:' ? secureRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    request.on('error', (error) =>
      reject(new Error(`${url.origin} cannot be reached: ${error.message}`, { cause: error })),
    );
    request.end(text);
  });
}
