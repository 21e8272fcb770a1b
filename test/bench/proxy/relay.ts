// The other measure: a TCP relay in Node that looks at nothing. Started by servers.ts with the port that it relays to.
import { connect, createServer } from 'node:net';

const to = Number(process.argv[2]);
const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: to, host: '127.0.0.1', noDelay: true });
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
  client.pipe(upstream).pipe(client);
});
server.listen(0, '127.0.0.1', () => {
  const at = server.address();
  process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
});
process.on('disconnect', () => process.exit(0));
