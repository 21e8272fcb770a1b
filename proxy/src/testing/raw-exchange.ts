// Bytes as they are, for requests that no client library would send, and what came out at the other end.
import { connect } from 'node:net';
import type { TestServer } from './test-server.ts';

/** Everything that comes back until the connection ends. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text, 'latin1');
  let answer = '';
  for await (const part of socket) answer += part.toString('latin1');
  return answer;
}

/** Header fields of the last request that the upstream has seen. */
export function lastSeen({ upstream }: TestServer): readonly string[] {
  return upstream.seen.at(-1)?.rawHeaders ?? [];
}

export function valuesOf(rawHeaders: readonly string[], lowerName: string): string[] {
  return rawHeaders.flatMap((item, at) =>
    at % 2 === 0 && item.toLowerCase() === lowerName ? [rawHeaders[at + 1] ?? ''] : [],
  );
}

export const upgradeLines = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n';
