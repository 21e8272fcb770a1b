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
const flushAtLength = 64 * 1024;

/** @param sink where batches go; by default standard output, whose writes are done when they return */
export function bufferedOutput(sink: { write(text: string): unknown } = process.stdout): BufferedOutput {
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
      gathered += line;
      if (gathered.length >= flushAtLength) flush();
      else timer ??= setTimeout(flush, flushEveryMs).unref();
    },
    flush,
  };
}
