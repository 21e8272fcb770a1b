// Output for daemons that write a line per request: lines are gathered for a moment and go out in one write, because each
// write to standard output is a system call in the middle of a request. Nothing is lost or out of order: what is left is
// written when the process ends.

export interface BufferedOutput {
  /** Keeps the line, for 20 ms at most. */
  write(line: string): void;
  /** Writes what is left, before it returns. */
  flush(): void;
}

const flushEveryMs = 20;

export interface BufferedOptions {
  /** Where batches go; by default standard output, whose writes are done when they return. */
  readonly sink?: { write(text: string): unknown };
  /** Longest batch, unless one line is longer. Processes that share a pipe stay whole up to 4,096 bytes (POSIX PIPE_BUF). */
  readonly batchLength?: number;
}

export function bufferedOutput({
  sink = process.stdout,
  batchLength = 64 * 1024,
}: BufferedOptions = {}): BufferedOutput {
  let gathered = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const text = gathered;
    gathered = '';
    if (text !== '') sink.write(text);
  };
  process.once('exit', flush);
  return {
    write(line) {
      if (gathered.length + line.length > batchLength) flush();
      gathered += line;
      timer ??= setTimeout(flush, flushEveryMs).unref();
    },
    flush,
  };
}
