// The ceiling of Node: a bare `net` server that reads nothing of a request and answers with the same bytes, head and body of
// the given size in one Buffer and one write. Started by servers.ts.
import { createServer } from 'node:net';

const size = Number(process.argv[2]);
const head = `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${size}\r\n\r\n`;
const answer = Buffer.concat([Buffer.from(head), Buffer.alloc(size, 7)]);
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(answer)); // the load sends one request at a time
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const at = server.address();
  process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
});
process.on('disconnect', () => process.exit(0));
