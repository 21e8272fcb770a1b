// What a worker process runs: an ordinary router in front of a core that the first process looks after. Its listening
// sockets are that process's (node:cluster), so that it may come and go without a refused connection.
import { runRouterDaemon } from '../main.ts';

process.exitCode = await runRouterDaemon([], process.env);
if (process.connected) process.disconnect(); // the line to the first process would keep this one alive
