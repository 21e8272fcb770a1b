// The measure for binds: a bare socket of Node that answers every chunk as one bind with success, and nothing in between: what
// an LDAP server of Node can reach. Started by bare.ts.
import { createServer } from 'node:net';

/** BindResponse with success; the message id of two octets is that of the request. */
const success = Buffer.from('300d0202000061070a010004000400', 'hex');
const idAt = 4;

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const answer = Buffer.from(success);
    const from = (chunk[1] ?? 0) < 128 ? idAt : idAt + 1;
    chunk.copy(answer, idAt, from, from + 2);
    socket.write(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  const at = server.address();
  process.send?.(typeof at === 'object' && at !== null ? at.port : 0);
});
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
