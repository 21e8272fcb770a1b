// The reply attributes of a RADIUS login (radius.md; flow-executor.md §14): a bare packet whose attributes the outpost copies
// into its Access-Accept.
import type { CoreDeps } from '../deps.ts';
import type { UserRecord } from '../identity/users.ts';
import type { Row } from '../models/model.ts';

const headerLength = 20;
const accessRequest = 1;

/** Base64 of a packet. Mappings of the provider are not evaluated in this release: it carries no attributes. */
export async function radiusReply(_deps: CoreDeps, _provider: Row, _user: UserRecord): Promise<string> {
  const packet = Buffer.alloc(headerLength);
  packet[0] = accessRequest;
  packet.writeUInt16BE(headerLength, 2);
  return packet.toString('base64');
}
