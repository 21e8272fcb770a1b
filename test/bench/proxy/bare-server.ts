// The measure: node:http that answers at once, by one process or several. It receives the very bytes that the proxy does and
// gives the very fields, Date and Connection being its own. Asked to, it does the least that is left to do: reads the fields
// of each request, and writes a line about it as the proxy does by default. Started by servers.ts.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';

const [size = '0', given = '[]', workers = '1', isLogging = ''] = process.argv.slice(2);
if (cluster.isPrimary && Number(workers) > 1) {
  const children = Array.from({ length: Number(workers) }, () => cluster.fork());
  const ports = await Promise.all(children.map((child) => once(child, 'message')));
  process.send?.(ports[0]?.[0]);
} else {
  const body = 'x'.repeat(Number(size));
  const fields: string[] = JSON.parse(given);
  const server = createServer((request, response) => {
    response.writeHead(200, [...fields, 'Content-Length', String(body.length)]);
    response.end(body);
    if (isLogging !== '') log(request);
  });
  server.keepAliveTimeout = 120_000;
  // Workers of a cluster that ask for any port all get the same.
  server.listen(0, '127.0.0.1', () => {
    const at = server.address();
    process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
  });
}
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));

let lines = '';
function log({ headers, method, socket, url }: IncomingMessage): void {
  const { cookie, host, 'user-agent': user_agent } = headers;
  const line = {
    level: 'info',
    timestamp: new Date().toISOString(),
    event: url,
    name: 'auth',
    host,
    method,
    user_agent,
  };
  const remote = `${socket.remoteAddress}:${socket.remotePort}`;
  lines += `${JSON.stringify({ ...line, remote, status: 200, runtime: '0.050', auth: cookie === undefined ? '' : 'session' })}\n`;
  if (lines.length < 64 * 1024) return;
  process.stdout.write(lines);
  lines = '';
}
