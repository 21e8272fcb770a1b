// The least that Node can do: with a folder a table of its files and node:http, with a number a body of that size to every
// request. Started by servers.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [given = ''] = process.argv.slice(2);
const same = /^\d+$/.test(given) ? Buffer.alloc(Number(given), 7) : undefined;
const names = same === undefined ? readdirSync(given) : [];
const table = new Map(names.map((name) => [`/static/dist/${name}`, readFileSync(join(given, name))]));
const server = createServer({ maxHeaderSize: 262_144 }, (request, response) => {
  const body = same ?? table.get(request.url ?? '') ?? Buffer.alloc(0);
  const fields = ['Content-Type', 'application/octet-stream', 'Content-Length', String(body.length)];
  response.writeHead(200, fields).end(body);
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  const at = server.address();
  process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
});
process.on('disconnect', () => process.exit(0));
