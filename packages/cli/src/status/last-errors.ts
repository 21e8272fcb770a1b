// The last complaint of each logger, from the end of a log file; one read, however large the file has grown.
import { open } from 'node:fs/promises';

const tailBytes = 256 * 1024;

export interface LastError {
  readonly logger: string;
  readonly at: string;
  readonly text: string;
}

/** By logger, none from before `since` (ISO); empty for a log that cannot be read. */
export async function lastErrors(file: string, since = ''): Promise<ReadonlyMap<string, LastError>> {
  const found = new Map<string, LastError>();
  for (const line of (await tailOf(file)).split('\n')) {
    const error = readError(line);
    if (error !== undefined && error.at >= since) found.set(error.logger, error);
  }
  return found;
}

async function tailOf(file: string): Promise<string> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - tailBytes);
    const bytes = Buffer.alloc(size - start);
    await handle.read(bytes, 0, bytes.byteLength, start);
    return bytes.toString('utf8');
  } finally {
    await handle.close();
  }
}

function readError(line: string): LastError | undefined {
  if (!line.includes('"level":"error"')) return undefined; // cheap, and almost every line ends here
  try {
    const fields = new Map(Object.entries(JSON.parse(line)));
    const text = (name: string) => (typeof fields.get(name) === 'string' ? String(fields.get(name)) : '');
    const detail = text('error') || text('reason');
    return {
      logger: text('logger'),
      at: text('timestamp'),
      text: detail === '' ? text('event') : `${text('event')}: ${detail.split('\n')[0] ?? ''}`,
    };
  } catch {
    return undefined; // cut off at the beginning of the tail
  }
}
