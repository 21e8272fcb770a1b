// The reference of hashing.ts: the least that a page of users can be, one query and one answer, by node:http in a process of its
// own on the PostgreSQL of the core. Prints its port on one line.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

const pool = new pg.Pool({ ...JSON.parse(process.argv[2] ?? '{}'), max: 5 });
const page = { name: 'page', text: 'select * from users order by username limit 20' };
const server = createServer((_request, response) => {
  pool.query(page).then(
    ({ rows }) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify(rows)),
    () => response.writeHead(500).end(),
  );
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`${(server.address() as AddressInfo).port}\n`); // a TCP server's address
