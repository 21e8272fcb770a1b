// One uploaded form, read as it arrives (RFC 7578; files.md §15.2 "Streaming uploads"): small fields are kept, the file is
// handed over as a stream. The one file that imports the multipart parser.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { ApiFailure } from '../api/failure.ts';

export interface FormFile {
  /** Base name that the client gave; folders in it are dropped. */
  readonly fileName: string;
  /** Fields that came before the file. */
  readonly fields: ReadonlyMap<string, string>;
  readonly content: Readable;
}

export interface ReadForm<T> {
  readonly fields: ReadonlyMap<string, string>;
  /** What `onFile` made of the file; `undefined` when there was none. */
  readonly file: T | undefined;
}

const limits = { fieldSize: 8_192, fields: 16, files: 1, parts: 20, headerPairs: 32, headerSize: 16_384 };
/** What is read and dropped after a refusal, so that the client sees the answer instead of a broken connection. */
const mostDrainedBytes = 33_554_432;

/**
 * @param onFile takes the part named `file`; when it throws, the rest of the form is dropped
 * @throws what `onFile` threw; ApiFailure 400 for a form that cannot be read or breaks off
 */
export async function readForm<T>(
  request: IncomingMessage,
  onFile: (file: FormFile) => Promise<T>,
): Promise<ReadForm<T>> {
  try {
    return await parse(request, onFile);
  } catch (error) {
    await drain(request);
    throw error;
  }
}

function parse<T>(request: IncomingMessage, onFile: (file: FormFile) => Promise<T>): Promise<ReadForm<T>> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    const parser = createParser(request);
    let content: Readable | undefined;
    let taken: Promise<T> | undefined;
    const giveUp = (error: unknown) => {
      request.unpipe(parser);
      request.off('close', brokenOff);
      content?.destroy(error instanceof Error ? error : new Error(String(error)));
      reject(error);
    };
    const brokenOff = () => {
      if (!request.complete) giveUp(unreadable('the upload broke off'));
    };
    parser.on('field', (name, value) => void fields.set(name, value));
    parser.on('file', (name, stream, fileName) => {
      if (name !== 'file' || taken !== undefined) return void stream.resume();
      content = stream;
      stream.on('error', () => undefined); // whoever reads it is told; the parser must not be killed by it
      taken = onFile({ fileName, fields: new Map(fields), content: stream });
      taken.catch(giveUp);
    });
    parser.once('error', (error: Error) => giveUp(unreadable(error.message)));
    parser.once('finish', () => {
      request.off('close', brokenOff);
      Promise.resolve(taken).then((file) => resolve({ fields, file }), reject);
    });
    request.once('close', brokenOff);
    request.pipe(parser);
  });
}

function createParser(request: IncomingMessage) {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' },
      limits,
    });
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
}

function unreadable(why: string): ApiFailure {
  return new ApiFailure(400, { detail: `Multipart form parse error - ${why}` });
}

/** Reads on to the end of a body that nobody wants, within reason. */
function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.complete || request.destroyed) return resolve();
    let bytes = 0;
    const end = () => resolve();
    request.once('end', end).once('close', end);
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > mostDrainedBytes) end();
    });
    request.resume();
  });
}
