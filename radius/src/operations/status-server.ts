// Status-Server (RFC 5997, radius.md B07): alive means that logins can be decided, so it is silent while the core is away
// and proxies turn to their second server.
import { packetCode } from '@gatehouse/wire/radius';
import type { Operation } from '../datagram/request.ts';

export function createStatusServer(isReachable: () => Promise<boolean>): Operation {
  return async ({ port }) => {
    if (!(await isReachable())) return { kind: 'silence', reason: 'core_unreachable' };
    const code = port === 'accounting' ? packetCode.accountingResponse : packetCode.accessAccept;
    return { kind: 'reply', code, attributes: [] };
  };
}
