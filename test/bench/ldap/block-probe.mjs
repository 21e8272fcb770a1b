// Loaded into the outpost by `--import`: how long its event loop was blocked, to a millisecond, and what the thread did
// meanwhile. A block counts for what the thread itself worked; the rest it waited for a processor that others had, which says
// something of the machine. Writes a line per block, `<begin> <length> <worked>` in microseconds, the first on the monotonic clock.
import { appendFile, openSync, readSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const shortestUs = 4_000;
const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`);
const buffer = Buffer.alloc(64);
const nowUs = () => Number(process.hrtime.bigint() / 1_000n);
/** The kernel tells of nanoseconds on a processor first. */
const workedUs = () => Number.parseInt(buffer.toString('latin1', 0, readSync(schedule, buffer, 0, 64, 0)), 10) / 1_000;

/** Threads of the outpost have loops of their own, in which nobody is answered. */
if (isMainThread) watch();

function watch() {
  let last = { atUs: nowUs(), workedUs: workedUs() };
  let lines = '';
  setInterval(() => {
    const now = { atUs: nowUs(), workedUs: workedUs() };
    const lengthUs = now.atUs - last.atUs;
    if (lengthUs >= shortestUs) lines += `${last.atUs} ${lengthUs} ${Math.round(now.workedUs - last.workedUs)}\n`;
    last = now;
  }, 1).unref();
  setInterval(() => {
    if (lines === '') return;
    appendFile(process.env['BENCH_BLOCKS'] ?? '/dev/null', lines, () => undefined);
    lines = '';
  }, 100).unref();
}
