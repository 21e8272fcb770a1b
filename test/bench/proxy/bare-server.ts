// The measure: node:http that answers at once. It receives the very bytes that the proxy does and gives the very fields, Date
// and Connection being its own. Started by servers.ts.
import { createServer } from 'node:http';

const [size = '0', given = '[]'] = process.argv.slice(2);
const body = 'x'.repeat(Number(size));
const fields: string[] = JSON.parse(given);
const server = createServer((_, response) => {
  response.writeHead(200, [...fields, 'Content-Length', String(body.length)]);
  response.end(body);
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  const at = server.address();
  process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
});
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
