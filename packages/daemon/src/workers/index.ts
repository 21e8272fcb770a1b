// Entry `@gatehouse/daemon/workers`. Users: proxy, radius, router.
export { startWorkers, type Workers, type WorkersOptions } from './first-process.ts';
export { isWorker, serveFirstProcess, tellFirstProcess } from './worker.ts';
