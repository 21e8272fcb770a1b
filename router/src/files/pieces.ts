// A file to a client piece by piece, from buffers that are used again: fresh memory for every piece costs more than reading
// it does. The plain way is a read stream; it is taken where what was written may still be looked at afterwards.
import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Span } from '../assets/table.ts';

const pieceBytes = 256 * 1024;
const mostIdle = 64;

/** Writes a span and ends the answer; a client that leaves concerns nobody else. */
export type FileSender = (file: FileHandle, span: Span, response: ServerResponse) => Promise<void>;

/** @returns a sender with buffers of its own */
export function createFileSender(): FileSender {
  const idle: Buffer[] = [];
  return async (file, span, response) => {
    // An HTTP/2 stream's own connection hands its bytes on without a copy.
    if (!(response.socket instanceof Socket)) return stream(file, span, response);
    const piece = idle.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
    const isWhole = await sendPieces(file, span, response, piece);
    if (!isWhole) response.destroy();
    else if (idle.length < mostIdle) idle.push(piece); // after a failure somebody may still have it
  };
}

async function sendPieces(
  file: FileHandle,
  { start, end }: Span,
  response: ServerResponse,
  piece: Buffer,
): Promise<boolean> {
  for (let at = start; at <= end; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, end - at + 1), at);
    if (bytesRead === 0) return false; // shorter than it was
    at += bytesRead;
    if (!(await written(response, piece.subarray(0, bytesRead)))) return false;
  }
  response.end();
  return true;
}

/** Resolves when the piece has left, false when the client did. */
function written(response: ServerResponse, piece: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false);
    const gone = () => resolve(false);
    response.once('close', gone);
    response.write(piece, (error) => {
      response.off('close', gone);
      resolve(error === null || error === undefined);
    });
  });
}

async function stream(file: FileHandle, { start, end }: Span, response: ServerResponse): Promise<void> {
  const content = file.createReadStream({ start, end, highWaterMark: pieceBytes, autoClose: false });
  await pipeline(content, response).catch(() => response.destroy());
}
