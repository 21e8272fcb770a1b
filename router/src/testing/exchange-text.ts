// Bytes to a port as they are, for what no HTTP client would send.
import { connect } from 'node:net';

/** @returns everything that came back until the end */
export async function exchangeText(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
