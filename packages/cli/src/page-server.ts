// Small pages that the command serves itself: one listener, one answer, an end. Used by the demo site and the status page.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Address } from '@gatehouse/daemon/config';
import { formatAddress } from '@gatehouse/daemon/config';
import { cliError } from './errors.ts';

export interface PageServer extends AsyncDisposable {
  readonly address: Address;
}

/** @throws GatewayError `ERR_CLI_PORT_TAKEN` naming address and setting */
export function servePages(
  listen: Address,
  setting: string,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<PageServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const what = `Cannot listen on ${formatAddress(listen)}: ${cause.code}.`;
      reject(cliError('ERR_CLI_PORT_TAKEN', what, `Stop what uses it, or set ${setting}.`, cause));
    });
    server.listen(listen.port, listen.host, () => {
      const at = server.address();
      const port = typeof at === 'object' && at !== null ? at.port : listen.port;
      resolve({
        address: { host: listen.host, port },
        [Symbol.asyncDispose]: () =>
          new Promise<void>((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '&quot;');
}
